/**
 * What containerd-svc asks other programs: image-svc, network-svc, the shim processes, and, for its
 * own warm-up, itself. Each class knows one of them and hides its messages from the rest of this
 * service.
 */
@NullMarked
package io.berth.containerd.client;

import org.jspecify.annotations.NullMarked;

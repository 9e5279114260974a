/**
 * What containerd-svc asks other services: each class knows one of them and hides its messages from
 * the rest of this service.
 */
@NullMarked
package io.berth.containerd.client;

import org.jspecify.annotations.NullMarked;

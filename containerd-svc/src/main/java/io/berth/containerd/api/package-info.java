/**
 * What containerd-svc serves: one endpoint for each gRPC service. Requests are checked and
 * translated here, and answers are put into words of the wire.
 */
@NullMarked
package io.berth.containerd.api;

import org.jspecify.annotations.NullMarked;

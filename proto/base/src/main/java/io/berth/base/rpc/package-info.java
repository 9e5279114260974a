/**
 * gRPC over Unix sockets: servers, channels, headers, errors, health, and the forwarding of whole
 * services as bytes.
 */
@NullMarked
package io.berth.base.rpc;

import org.jspecify.annotations.NullMarked;

/**
 * Ports of the host's that lead to containers. Each is held by a bound socket that never listens,
 * so that no other program is given it; the sockets lie with a keeper, which outlives this service.
 * Names of holders are looked up only to explain a refusal.
 */
@NullMarked
package io.berth.network.port;

import org.jspecify.annotations.NullMarked;

/**
 * network-svc: networks of containers, their addresses and their published ports.
 *
 * <p>From the outside in: {@code api} speaks the wire, {@code endpoint} decides and remembers,
 * {@code link}, {@code nat}, {@code port} and {@code address} each know one thing. The kernel is
 * reached through {@code io.berth.linux.net} only; no helper program is run.
 */
@NullMarked
package io.berth.network;

import org.jspecify.annotations.NullMarked;

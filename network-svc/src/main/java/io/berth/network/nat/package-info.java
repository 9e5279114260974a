/**
 * What the host does with packets from and to containers: one nf_tables table per instance. Chains
 * hold a few rules per network and are rewritten as a whole, in one transaction; published ports
 * are entries of two hash maps and come and go one by one, so there is never a moment without
 * address translation.
 *
 * <pre>
 * table inet berth_INSTANCE
 *   map ports       protocol . port           : address . port
 *   map addresses   protocol . address . port : address . port
 *   chain guard     prerouting -300   127.0.0.0/8 stays on the host
 *   chain incoming  prerouting -100   to this host: jump published
 *   chain local     output     -100   to this host: jump published
 *   chain published                   the two maps, the more exact one first
 *   chain outgoing  postrouting 100   masquerade
 *   chain forward   forward       0   who may talk to whom
 *   chain from_later_bridges          others' bridges that came after us are not judged here
 *   chain to_later_bridges
 * </pre>
 */
@NullMarked
package io.berth.network.nat;

import org.jspecify.annotations.NullMarked;

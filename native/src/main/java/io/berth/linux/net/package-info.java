/**
 * The kernel's network, seen from Java: links, addresses and routes (rtnetlink), nf_tables and
 * connection tracking (nfnetlink), who holds a port (sock_diag), sockets that hold one, and network
 * namespaces.
 *
 * <p>A netlink socket belongs to the namespace of the thread that made it and may be used from
 * anywhere afterwards. So only the making of sockets and access to {@code /proc/sys/net} happen on
 * a thread that has joined the namespace ({@link io.berth.linux.net.NetworkNamespace#call}); every
 * other call is made wherever the caller stands.
 *
 * <p>The kernel answers a request before send returns, so nothing here waits, except for the
 * kernel's own locks: a link's deletion holds one for 13 to 26 ms. Numbers of the kernel's headers
 * stand in one class, which a test compares with the headers.
 */
@NullMarked
package io.berth.linux.net;

import org.jspecify.annotations.NullMarked;

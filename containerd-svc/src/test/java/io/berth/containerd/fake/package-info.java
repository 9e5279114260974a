/**
 * Shim processes in this process: the real wire, the real sockets and folders, and in place of
 * supervisors a few states in memory that outlive the hosts, as supervisors do.
 */
@NullMarked
package io.berth.containerd.fake;

import org.jspecify.annotations.NullMarked;

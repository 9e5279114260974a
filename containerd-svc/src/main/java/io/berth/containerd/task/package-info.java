/**
 * Tasks: the running side of containers.
 *
 * <p>A task's state lives in its shim and its supervisor; here is what must be known without
 * asking: which host process holds it, which processes it has, and their exits, which are on disk
 * before anybody is told.
 *
 * <pre>
 * STATE/t/HEX/            HEX = 12 digits of sha256(namespace/id)
 *   id                    namespace and id, a line each
 *   intent.json           what is about to be made: bundle, mounts, stdio, cgroup path
 *   created               the init's pid, once there is one
 *   bundle/config.json    the specification as the client sent it, byte for byte
 *   bundle/rootfs/        where a root file system is mounted, if on the host at all
 *   exec/EXEC.json        an exec, kept by the shim
 *   exit/                 exit records, written by the supervisor
 *   netns                 link to the network namespace, for containers of our own
 *   shim.sock, sup.sock   made by shim and supervisor
 * </pre>
 *
 * <p>The folder is written before a shim is placed and removed last. After the death of a host
 * process another one adopts its tasks; calls that were under way are repeated under the same
 * number, so nothing is done twice. After a restart of this service the folders are read again.
 */
@NullMarked
package io.berth.containerd.task;

import org.jspecify.annotations.NullMarked;

/**
 * The cgroups of a container, in whatever way the host has them: version 1 (a hierarchy for each
 * controller), version 2, or both beside each other.
 *
 * <p>{@link io.berth.shim.cgroup.CgroupLayout} is what the host has, read once. {@link
 * io.berth.shim.cgroup.CgroupPath} decides where a container's cgroup is. {@link
 * io.berth.shim.cgroup.Limits} are the files to write, as a list; {@link
 * io.berth.shim.cgroup.Cgroup} is a cgroup that exists: it is made, limited, frozen, counted,
 * killed and removed. Nothing here moves a process into a cgroup: processes are born there, or move
 * themselves by the {@code tasks} file, for a write to {@code cgroup.procs} waits up to 15 ms for
 * the kernel.
 */
@NullMarked
package io.berth.shim.cgroup;

import org.jspecify.annotations.NullMarked;

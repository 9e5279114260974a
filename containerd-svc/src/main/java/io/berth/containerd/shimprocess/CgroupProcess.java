package io.berth.containerd.shimprocess;

/**
 * One of the processes in a container's cgroup.
 *
 * @param pid as the machine numbers it
 * @param execId the exec that it is the first process of; empty for the init and for descendants
 */
public record CgroupProcess(int pid, String execId) {}

package io.berth.containerd.settings;

/**
 * The host's side of a container: what it gets of the machine, and what it may do there.
 *
 * @param storage mounts and file systems
 * @param resources limits that control groups keep
 * @param limits limits that the kernel keeps for each process
 * @param privileges what its processes may do
 * @param namespaces what it shares with the host or with other containers
 * @param names how it resolves the names of hosts
 * @param log where its output goes
 * @param lifecycle what becomes of it when it has ended
 * @param runtime how it is run
 */
public record HostSettings(
    StorageSettings storage,
    ResourceSettings resources,
    ProcessLimits limits,
    Privileges privileges,
    NamespaceModes namespaces,
    NameResolution names,
    LogSettings log,
    Lifecycle lifecycle,
    RuntimeSettings runtime) {
  /** The same with other storage. */
  public HostSettings withStorage(StorageSettings changed) {
    return new HostSettings(
        changed, resources, limits, privileges, namespaces, names, log, lifecycle, runtime);
  }

  /** The same with other limits of control groups. */
  public HostSettings withResources(ResourceSettings changed) {
    return new HostSettings(
        storage, changed, limits, privileges, namespaces, names, log, lifecycle, runtime);
  }

  /** The same with other limits of processes. */
  public HostSettings withLimits(ProcessLimits changed) {
    return new HostSettings(
        storage, resources, changed, privileges, namespaces, names, log, lifecycle, runtime);
  }

  /** The same with other rights. */
  public HostSettings withPrivileges(Privileges changed) {
    return new HostSettings(
        storage, resources, limits, changed, namespaces, names, log, lifecycle, runtime);
  }

  /** The same with other namespaces. */
  public HostSettings withNamespaces(NamespaceModes changed) {
    return new HostSettings(
        storage, resources, limits, privileges, changed, names, log, lifecycle, runtime);
  }

  /** The same with another end. */
  public HostSettings withLifecycle(Lifecycle changed) {
    return new HostSettings(
        storage, resources, limits, privileges, namespaces, names, log, changed, runtime);
  }
}

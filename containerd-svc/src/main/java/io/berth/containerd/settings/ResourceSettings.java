package io.berth.containerd.settings;

/**
 * Limits that control groups keep (cgroups(7)).
 *
 * @param pids processes and threads; -1 for no limit, zero where nothing was said
 */
public record ResourceSettings(
    MemorySettings memory, CpuSettings cpu, BlockIoSettings blockIo, long pids) {
  /** Nothing was said. */
  public static final ResourceSettings NONE =
      new ResourceSettings(MemorySettings.NONE, CpuSettings.NONE, BlockIoSettings.NONE, 0);

  /** The same with other limits of memory. */
  public ResourceSettings withMemory(MemorySettings changed) {
    return new ResourceSettings(changed, cpu, blockIo, pids);
  }

  /** The same with other limits of processors. */
  public ResourceSettings withCpu(CpuSettings changed) {
    return new ResourceSettings(memory, changed, blockIo, pids);
  }

  /** The same with other limits of disks. */
  public ResourceSettings withBlockIo(BlockIoSettings changed) {
    return new ResourceSettings(memory, cpu, changed, pids);
  }

  /** The same with another limit of processes. */
  public ResourceSettings withPids(long changed) {
    return new ResourceSettings(memory, cpu, blockIo, changed);
  }

  /** What the change says where it says something, else what holds now. */
  public ResourceSettings overlaidBy(ResourceSettings change) {
    return new ResourceSettings(
        memory.overlaidBy(change.memory),
        cpu.overlaidBy(change.cpu),
        blockIo.overlaidBy(change.blockIo),
        chosen(change.pids, pids));
  }

  static long chosen(long change, long now) {
    return change == 0 ? now : change;
  }
}

package io.berth.linux;

import com.google.errorprone.annotations.Immutable;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * What some kernels have and others have not: the one table of it. Whoever can do without a feature
 * asks {@link #inUse} which way to go, and nothing else; whether the kernel has it is found by
 * trying it, once in a process and when it is first asked, never by the kernel's version.
 *
 * <p>What depends on how a kernel was built or on what a machine has (controllers of cgroups,
 * modules, file systems) is no feature: it is found where it is used, and {@code berth info} warns.
 */
public enum KernelFeature {
  /** {@code lowerdir+} of overlays. */
  OVERLAY_LOWERDIR_APPEND(
      "overlay-lowerdir-append",
      "6.5",
      Need.REPLACED,
      "Layers are named in one option of mount(2), by short links where a page is too small.",
      FeatureProbes::overlayLowerdirAppend),
  /** Tables of nf_tables that have an owner and outlive it. */
  NFT_TABLE_PERSIST(
      "nft-table-persist",
      "6.9",
      Need.REPLACED,
      "Other programs can change our nf_tables table; it is watched, and made again when they do.",
      FeatureProbes::nftTablePersist),
  /** Permissions of what a descriptor stands for, never of what a link leads to. */
  FCHMODAT2(
      "fchmodat2",
      "6.6",
      Need.REPLACED,
      "Permissions are set by the descriptor's link in /proc.",
      FeatureProbes::fchmodat2),
  /** How a process ended, told to whoever holds a pidfd when it has been collected. */
  PIDFD_EXIT(
      "pidfd-exit",
      "6.15",
      Need.REPLACED,
      "A container whose supervisor died has the exit code 255 if another process collected it.",
      FeatureProbes::pidfdExit),
  /** A number of a network namespace that never comes again. */
  NETNS_COOKIE(
      "netns-cookie",
      "5.14",
      Need.REPLACED,
      "A network namespace is known by its inode, whose number may come again.",
      FeatureProbes::netnsCookie),
  /** A file of a cgroup that kills all that lives there. */
  CGROUP_KILL(
      "cgroup-kill",
      "5.14",
      Need.REPLACED,
      "The processes of a cgroup are killed one by one until none is left.",
      FeatureProbes::cgroupKill),
  /** Overlays that are not written to disk at their end. */
  OVERLAY_VOLATILE(
      "overlay-volatile",
      "5.10",
      Need.REPLACED,
      "What a container changed is written to disk when its overlay is unmounted.",
      FeatureProbes::overlayVolatile),
  /** Programs that decide about devices, replaced in one step. */
  BPF_REPLACE(
      "bpf-replace",
      "5.6",
      Need.REPLACED,
      "A new filter of devices is attached beside the old one before that is taken away.",
      FeatureProbes::bpfReplace),

  /** Seccomp filters that ask a listener. */
  SECCOMP_LISTENER(
      "seccomp-listener",
      "5.0",
      Need.ASKED,
      "A specification with a listener for seccomp is refused.",
      FeatureProbes::seccompListener),
  /** Descriptors taken from another process. */
  PIDFD_GETFD(
      "pidfd-getfd",
      "5.6",
      Need.ASKED,
      "A specification with a listener for seccomp is refused.",
      FeatureProbes::pidfdGetfd),
  /** Clocks of their own. */
  TIME_NAMESPACE(
      "time-namespace",
      "5.6",
      Need.ASKED,
      "A specification with a time namespace is refused.",
      FeatureProbes::timeNamespace),
  /** Mounts that follow no link. */
  MOUNT_NOSYMFOLLOW(
      "mount-nosymfollow",
      "5.14",
      Need.ASKED,
      "A mount with the option nosymfollow is refused.",
      FeatureProbes::mountNosymfollow),
  /** Listeners that only a fatal signal takes a call away from. */
  SECCOMP_WAIT_KILLABLE(
      "seccomp-wait-killable",
      "5.19",
      Need.ASKED,
      "A seccomp profile with SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is refused.",
      FeatureProbes::seccompWaitKillable),

  /** fsopen(2) and its kin. */
  MOUNT_API(
      "mount-api", "5.2", Need.NEEDED, "No container can be started.", FeatureProbes::mountApi),
  /** Descriptors of processes, which can be waited for. */
  PIDFD_OPEN(
      "pidfd-open", "5.3", Need.NEEDED, "No container can be started.", FeatureProbes::pidfdOpen),
  /** Paths that do not lead out of a root. */
  OPENAT2(
      "openat2",
      "5.6",
      Need.NEEDED,
      "Nothing can be unpacked, and no container be started.",
      FeatureProbes::openat2),
  /** Processes born in their cgroup. */
  CLONE_INTO_CGROUP(
      "clone-into-cgroup",
      "5.7",
      Need.NEEDED,
      "No container can be started.",
      FeatureProbes::cloneIntoCgroup),
  /** The number of a file's mount. */
  STATX_MOUNT_ID(
      "statx-mount-id",
      "5.8",
      Need.NEEDED,
      "Mounts cannot be told from folders.",
      FeatureProbes::statxMountId),
  /** Times of what a descriptor stands for. */
  UTIMENSAT_EMPTY_PATH(
      "utimensat-empty-path",
      "5.8",
      Need.NEEDED,
      "Layers cannot be unpacked.",
      FeatureProbes::utimensatEmptyPath),
  /** All descriptors of a range closed at once. */
  CLOSE_RANGE(
      "close-range", "5.9", Need.NEEDED, "No container can be started.", FeatureProbes::closeRange),
  /** Attributes of mounts, also of all below and with ids mapped. */
  MOUNT_SETATTR(
      "mount-setattr",
      "5.12",
      Need.NEEDED,
      "No container can be started.",
      FeatureProbes::mountSetattr);

  /** What becomes of those who want a feature that is not there. */
  public enum Need {
    /** It is done in another way; such a feature can be taken away, to try that way. */
    REPLACED,
    /** Who asks for it is refused, all others are served. */
    ASKED,
    /** Berth does not work. */
    NEEDED
  }

  /** Whether a feature is there and used. */
  public enum Presence {
    YES,
    NO,
    TAKEN_AWAY
  }

  /** Tries one out; any failure means that it is not there. */
  @Immutable
  interface Probe {
    boolean succeeds() throws IOException;
  }

  /** Stands in a configuration for all that can be taken away. */
  private static final String ALL = "all";

  private static final Set<Errno> SHORT =
      Set.of(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.EAGAIN, Errno.ENOSPC);

  private static final Map<KernelFeature, Boolean> FOUND = new ConcurrentHashMap<>();
  private static volatile Set<KernelFeature> without = Set.of();

  private final String text;
  private final String since;
  private final Need need;
  private final String otherwise;
  private final Probe probe;

  KernelFeature(String text, String since, Need need, String otherwise, Probe probe) {
    this.text = text;
    this.since = since;
    this.need = need;
    this.otherwise = otherwise;
    this.probe = probe;
  }

  /** The feature's name for people and in the configuration; it never changes. */
  public String text() {
    return text;
  }

  /** The first Linux with it, for people. */
  public String since() {
    return since;
  }

  /** What becomes of those who want it where it is not. */
  public Need need() {
    return need;
  }

  /** A sentence about what is done, or not done, without it. */
  public String otherwise() {
    return otherwise;
  }

  /** Whether it is there and was not taken away: the way to go. */
  public boolean inUse() {
    return presence() == Presence.YES;
  }

  /** The same in full. The first question tries it out, which takes some milliseconds at most. */
  public Presence presence() {
    if (without.contains(this)) {
      return Presence.TAKEN_AWAY;
    }
    // Two that ask at once may both try: nobody waits inside the map.
    Boolean known = FOUND.get(this);
    if (known == null) {
      known = tryOut();
    }
    return known ? Presence.YES : Presence.NO;
  }

  private boolean tryOut() {
    try {
      boolean found = probe.succeeds();
      FOUND.put(this, found);
      return found;
    } catch (SyscallException e) {
      // What was short at this moment says nothing about the kernel: it is tried again.
      if (!SHORT.contains(e.errno())) {
        FOUND.put(this, false);
      }
      return false;
    } catch (IOException | DirectoryIteratorException e) {
      return false;
    }
  }

  /**
   * From now on this process does without some of those that can be replaced, as on an older
   * kernel: for tests and diagnosis. To be called before anything else asks.
   *
   * @return those that it did without before
   */
  public static Set<KernelFeature> doWithout(Set<KernelFeature> features) {
    for (KernelFeature feature : features) {
      if (feature.need != Need.REPLACED) {
        throw new IllegalArgumentException(feature.text + " cannot be replaced");
      }
    }
    Set<KernelFeature> before = without;
    without = Set.copyOf(features);
    return before;
  }

  /** All that can be taken away. */
  public static Set<KernelFeature> replaceable() {
    return Arrays.stream(values())
        .filter(feature -> feature.need == Need.REPLACED)
        .collect(
            Collectors.collectingAndThen(
                Collectors.toCollection(() -> EnumSet.noneOf(KernelFeature.class)),
                Collections::unmodifiableSet));
  }

  /** What {@link #replaceable(String)} takes, for people. */
  public static String names() {
    return replaceable().stream().map(KernelFeature::text).collect(Collectors.joining(", "))
        + " and "
        + ALL;
  }

  /** What a name in the configuration takes away: one, or all; empty if there is none of it. */
  public static Optional<Set<KernelFeature>> replaceable(String name) {
    if (name.equals(ALL)) {
      return Optional.of(replaceable());
    }
    return replaceable().stream()
        .filter(feature -> feature.text.equals(name))
        .findFirst()
        .map(Set::of);
  }

  /** What no kernel may lack, and this one does. */
  public static List<KernelFeature> missing() {
    return Arrays.stream(values())
        .filter(feature -> feature.need == Need.NEEDED && feature.presence() == Presence.NO)
        .toList();
  }
}

package io.berth.containerd.spec;

/**
 * What AppArmor (apparmor(7)) does for containers on this host.
 *
 * @param enabled whether the kernel has it and it is switched on
 * @param defaultProfile the name of the profile that containers have by default; empty if none is
 *     loaded
 * @param text the same for people, and why there is none
 */
public record AppArmorFacts(boolean enabled, String defaultProfile, String text) {
  /** A kernel without it. */
  public static final AppArmorFacts OFF =
      new AppArmorFacts(false, "", "off: this kernel has none, or it is switched off");
}

package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.Privileges;

/** Which profile of AppArmor a container has. */
final class AppArmorRules {
  private static final String UNCONFINED = "unconfined";

  private AppArmorRules() {}

  /**
   * The profile that holds for a wish; {@code unconfined} for none, and empty where the kernel has
   * no AppArmor. FAILED_PRECONDITION for a profile that could not hold there.
   */
  static String effective(Privileges wish, AppArmorFacts host) {
    String given = wish.apparmor();
    boolean named = !given.isEmpty() && !given.equals(UNCONFINED);
    if (!host.enabled()) {
      if (named) {
        throw new BerthException.FailedPrecondition(
            "apparmor profile `" + given + "`: AppArmor is not enabled on this host; leave it out");
      }
      return "";
    }
    if (named) {
      return profile(given);
    }
    boolean bounded = given.isEmpty() && !wish.privileged() && !host.defaultProfile().isEmpty();
    return bounded ? host.defaultProfile() : UNCONFINED;
  }

  /** What the specification names: nothing where nothing is to hold. */
  static String named(String effective) {
    return effective.equals(UNCONFINED) ? "" : effective;
  }

  private static String profile(String name) {
    if (name.chars().anyMatch(Character::isISOControl)) {
      throw new BerthException.InvalidArgument("apparmor profile: is no name of one");
    }
    return name;
  }
}

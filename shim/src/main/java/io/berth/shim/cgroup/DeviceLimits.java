package io.berth.shim.cgroup;

import io.berth.base.error.BerthException;
import io.berth.linux.DeviceFilter;
import io.berth.oci.runtime.Resources;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which device nodes a container may use: its rules in order, the last that fits counts, and what
 * none fits is denied. The nodes that every container has are allowed whatever the rules say.
 */
final class DeviceLimits {
  private static final Resources.DeviceRule DENY_ALL =
      new Resources.DeviceRule(false, "a", null, null, "rwm");

  /** Making nodes does no harm; then null, zero, full, random, urandom, tty, ptmx and pts. */
  private static final List<Resources.DeviceRule> ALWAYS_ALLOWED =
      List.of(
          new Resources.DeviceRule(true, "c", null, null, "m"),
          new Resources.DeviceRule(true, "b", null, null, "m"),
          character(1, 3L),
          character(1, 5L),
          character(1, 7L),
          character(1, 8L),
          character(1, 9L),
          character(5, 0L),
          character(5, 2L),
          character(136, null));

  private DeviceLimits() {}

  private static Resources.DeviceRule character(long major, @Nullable Long minor) {
    return new Resources.DeviceRule(true, "c", major, minor, "rwm");
  }

  private static List<Resources.DeviceRule> rules(Resources resources) {
    List<Resources.DeviceRule> rules = new ArrayList<>();
    List<Resources.DeviceRule> given = resources.devices();
    // A new cgroup of version 1 allows what the one above it allows.
    if (given.isEmpty() || !given.getFirst().type().equals("a")) {
      rules.add(DENY_ALL);
    }
    rules.addAll(given);
    rules.addAll(ALWAYS_ALLOWED);
    return rules;
  }

  /** The rules for version 1, as lines to be written one after another. */
  static List<Limits.Write> version1(Resources resources) {
    List<Limits.Write> writes = new ArrayList<>();
    for (Resources.DeviceRule rule : rules(resources)) {
      String file = rule.allow() ? "devices.allow" : "devices.deny";
      writes.add(Limits.Write.of("devices", file, line(rule)));
    }
    return writes;
  }

  private static String line(Resources.DeviceRule rule) {
    if (rule.type().equals("a")) {
      return "a";
    }
    String access = rule.access().isEmpty() ? "rwm" : rule.access();
    return rule.type() + " " + text(rule.major()) + ":" + text(rule.minor()) + " " + access;
  }

  private static String text(@Nullable Long number) {
    return number == null || number < 0 ? "*" : number.toString();
  }

  /** For version 2: a program. INVALID_ARGUMENT, naming the word, if a rule makes no sense. */
  static DeviceFilter version2(Resources resources) {
    List<DeviceFilter.Rule> rules = new ArrayList<>();
    for (Resources.DeviceRule rule : rules(resources)) {
      rules.add(
          switch (rule.type()) {
            // As version 1 reads it: all nodes, whatever else the rule says.
            case "a" ->
                new DeviceFilter.Rule(
                    rule.allow(),
                    DeviceFilter.Kind.ANY,
                    DeviceFilter.ANY_NUMBER,
                    DeviceFilter.ANY_NUMBER,
                    DeviceFilter.ALL_RIGHTS);
            case "b" -> rule(rule, DeviceFilter.Kind.BLOCK);
            case "c", "u" -> rule(rule, DeviceFilter.Kind.CHARACTER);
            default ->
                throw new BerthException.InvalidArgument(
                    "device rule: there is no type `" + rule.type() + "`; use a, b or c");
          });
    }
    try {
      return DeviceFilter.of(rules);
    } catch (IllegalArgumentException e) {
      throw new BerthException.InvalidArgument("device rules: " + e.getMessage(), e);
    }
  }

  private static DeviceFilter.Rule rule(Resources.DeviceRule rule, DeviceFilter.Kind kind) {
    return new DeviceFilter.Rule(
        rule.allow(), kind, number(rule.major()), number(rule.minor()), rights(rule.access()));
  }

  private static long number(@Nullable Long number) {
    return number == null || number < 0 ? DeviceFilter.ANY_NUMBER : number;
  }

  private static int rights(String access) {
    int rights = access.isEmpty() ? DeviceFilter.ALL_RIGHTS : 0;
    for (int i = 0; i < access.length(); i++) {
      rights |=
          switch (access.charAt(i)) {
            case 'r' -> DeviceFilter.READ;
            case 'w' -> DeviceFilter.WRITE;
            case 'm' -> DeviceFilter.MAKE_NODE;
            default ->
                throw new BerthException.InvalidArgument(
                    "device rule: there is no access `" + access + "`; use r, w and m");
          };
    }
    return rights;
  }
}

package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.oci.runtime.Resources.DeviceRule;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Rules for device nodes as the kernel writes them in {@code devices.list}. */
final class DeviceRules {
  private static final Pattern RULE =
      Pattern.compile("([acb]) ([0-9]{1,10}|\\*):([0-9]{1,10}|\\*) ([rwm]{1,3})");

  private DeviceRules() {}

  /** The rules in their order. INVALID_ARGUMENT, naming it, for a text that is none. */
  static List<DeviceRule> parse(List<String> texts) {
    return texts.stream().map(DeviceRules::parse).toList();
  }

  private static DeviceRule parse(String text) {
    Matcher rule = RULE.matcher(text);
    if (!rule.matches()) {
      throw new BerthException.InvalidArgument(
          "device rule `"
              + text
              + "`: is none; write TYPE MAJOR:MINOR RIGHTS, such as `c 42:* rmw`");
    }
    return new DeviceRule(
        true, rule.group(1), number(rule.group(2)), number(rule.group(3)), rule.group(4));
  }

  private static @Nullable Long number(String text) {
    return text.equals("*") ? null : Long.valueOf(text);
  }
}

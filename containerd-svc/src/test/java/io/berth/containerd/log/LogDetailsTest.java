package io.berth.containerd.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.api.message.HostMessages;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.ContainerPaths;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.RootFilesystem;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LogDetailsTest {
  private static final String ID = "0123456789abcdef";

  private static Map<String, String> details(Map<String, String> options) {
    return LogDetails.of(
        new ContainerDescription(
            new TaskKey("default", ID),
            "web",
            "busybox",
            "sha256:fedcba9876543210",
            "linux/amd64",
            ConfigMessages.read(
                Config.newBuilder()
                    .putLabels("team", "red")
                    .putLabels("tier", "web")
                    .addEnv("A=1")
                    .addEnv("AB=x=y")
                    .build()),
            HostMessages.read(HostConfig.newBuilder().putAllLogOptions(options).build()),
            NetworkWish.NONE,
            Instant.EPOCH,
            List.of("sh", "-c", "x"),
            NetworkEndpoint.NONE,
            new ContainerPaths("", "", "", "", ""),
            new RootFilesystem("", "", "")));
  }

  @Test
  void labelsVariablesAndTheTag() {
    assertEquals(Map.of(), details(Map.of()));
    assertEquals(Map.of("team", "red"), details(Map.of("labels", "team,none")));
    assertEquals(Map.of("team", "red", "tier", "web"), details(Map.of("labels", "team, tier")));
    assertEquals(
        Map.of("team", "red", "tier", "web", "AB", "x=y"),
        details(Map.of("labels-regex", "^t", "env", "AB,C")));
    assertEquals(Map.of("A", "1", "AB", "x=y"), details(Map.of("env-regex", "^A")));
    assertEquals(
        Map.of("tag", "web/0123456789ab fedcba987654 busybox sh -c x"),
        details(Map.of("tag", "{{.Name}}/{{ .ID }} {{.ImageID}} {{.ImageName}} {{.Command}}")));
  }

  @ParameterizedTest
  @CsvSource({
    "labels-regex,(",
    "labels-regex,(((){1000}){1000}){1000}",
    "env-regex,[",
    "tag,{{.Nope}}",
    "tag,{{if .ID}}x{{end}}",
    "foo,x"
  })
  void wrongOptionsAreRefused(String key, String value) {
    assertThrows(BerthException.InvalidArgument.class, () -> LogDetails.check(Map.of(key, value)));
  }
}

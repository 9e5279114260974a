package io.berth.containerd.api.message;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.Healthcheck;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.api.berth.container.v1.User;
import io.berth.containerd.settings.Command;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.ExecSettings;
import io.berth.containerd.settings.HealthSettings;
import io.berth.containerd.settings.ImageSettings;
import io.berth.containerd.settings.ResolvedUser;
import io.berth.containerd.settings.StopSettings;
import io.berth.containerd.settings.StreamSettings;
import io.berth.containerd.settings.TerminalSize;

/** What runs in a container: {@code Config}, {@code ImageConfig}, {@code User} and their parts. */
public final class ConfigMessages {
  private ConfigMessages() {}

  /** From the wire. */
  public static ContainerConfig read(Config message) {
    return new ContainerConfig(
        message.getHostname(),
        message.getDomainname(),
        message.getUser(),
        new StreamSettings(message.getTty(), message.getOpenStdin(), message.getStdinOnce()),
        message.getEnvList(),
        new Command(message.getEntrypointList(), message.getEntrypointSet(), message.getCmdList()),
        message.getWorkingDir(),
        message.getLabelsMap(),
        new StopSettings(
            message.getStopSignal(), message.hasStopTimeout() ? message.getStopTimeout() : null),
        message.getExposedPortsList(),
        message.getImage(),
        message.hasHealth() ? read(message.getHealth()) : null);
  }

  /** For the wire. */
  public static Config write(ContainerConfig config) {
    Config.Builder message =
        Config.newBuilder()
            .setHostname(config.hostname())
            .setDomainname(config.domainname())
            .setUser(config.user())
            .setTty(config.streams().terminal())
            .setOpenStdin(config.streams().openInput())
            .setStdinOnce(config.streams().inputOnce())
            .addAllEnv(config.environment())
            .addAllCmd(config.command().arguments())
            .addAllEntrypoint(config.command().entrypoint())
            .setEntrypointSet(config.command().entrypointGiven())
            .setWorkingDir(config.workingDirectory())
            .putAllLabels(config.labels())
            .setStopSignal(config.stop().signal())
            .addAllExposedPorts(config.exposedPorts())
            .setImage(config.image());
    Integer timeout = config.stop().timeoutSeconds();
    if (timeout != null) {
      message.setStopTimeout(timeout);
    }
    HealthSettings health = config.health();
    return health == null ? message.build() : message.setHealth(write(health)).build();
  }

  private static HealthSettings read(Healthcheck message) {
    return new HealthSettings(
        message.getTestList(),
        message.getInterval(),
        message.getTimeout(),
        message.getStartPeriod(),
        message.getRetries());
  }

  private static Healthcheck write(HealthSettings health) {
    return Healthcheck.newBuilder()
        .addAllTest(health.test())
        .setInterval(health.interval())
        .setTimeout(health.timeout())
        .setStartPeriod(health.startPeriod())
        .setRetries(health.retries())
        .build();
  }

  /** What an image says, from the wire. */
  public static ImageSettings read(ImageConfig message) {
    return new ImageSettings(
        message.getId(),
        message.getPlatform(),
        new Command(message.getEntrypointList(), false, message.getCmdList()),
        message.getEnvList(),
        message.getUser(),
        message.getWorkingDir(),
        message.getStopSignal(),
        message.getLabelsMap(),
        message.getExposedPortsList(),
        message.getVolumesList(),
        message.hasHealth() ? read(message.getHealth()) : null);
  }

  /** A user in numbers, from the wire. */
  public static ResolvedUser read(User message) {
    return new ResolvedUser(
        Integer.toUnsignedLong(message.getUid()),
        Integer.toUnsignedLong(message.getGid()),
        message.getGroupsList().stream().map(Integer::toUnsignedLong).toList(),
        message.getHome());
  }

  /** A process in a container, from the wire. */
  public static ExecSettings read(ExecCreateRequest message) {
    return new ExecSettings(
        message.getRef(),
        message.getCmdList(),
        message.getTty(),
        message.getOpenStdin(),
        message.getAttachStdout(),
        message.getAttachStderr(),
        message.getEnvList(),
        message.getUser(),
        message.getWorkingDir(),
        message.getPrivileged(),
        new TerminalSize(message.getRows(), message.getColumns()));
  }
}

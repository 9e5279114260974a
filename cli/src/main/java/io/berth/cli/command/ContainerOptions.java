package io.berth.cli.command;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Healthcheck;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.Resources;
import io.berth.base.error.BerthException;
import io.berth.base.text.Variables;
import io.berth.cli.parse.DetachKeys;
import io.berth.cli.session.Caller;
import io.berth.linux.Signal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The options that {@code run} and {@code create} have in common: what runs inside, from which
 * image, and how the container is bounded.
 */
final class ContainerOptions {
  /** Whether nobody is attached at the start; set by the command, not typed. */
  boolean detached;

  @Option(
      names = {"-a", "--attach"},
      paramLabel = "STREAM",
      description = "Only these of stdin, stdout and stderr in the foreground")
  List<String> attach = new ArrayList<>();

  @Option(names = "--rm", description = "Remove it when it ends")
  boolean remove;

  @Option(names = "--name", paramLabel = "NAME", description = "Name (default: a generated one)")
  String name = "";

  @Option(names = "--group-add", paramLabel = "GROUP", description = "One group more")
  List<String> groups = new ArrayList<>();

  @Option(
      names = "--entrypoint",
      paramLabel = "PROGRAM",
      description = "Instead of the image's; empty: none")
  @Nullable String entrypoint;

  @Option(
      names = {"-h", "--hostname"},
      paramLabel = "NAME",
      description = "Host name (default: the short id)")
  String hostname = "";

  @Option(names = "--domainname", paramLabel = "NAME", description = "Domain name")
  String domain = "";

  @Option(
      names = {"-l", "--label"},
      paramLabel = "KEY[=VALUE]",
      description = "Label")
  List<String> labels = new ArrayList<>();

  @Option(names = "--label-file", paramLabel = "FILE", description = "Labels, a line each")
  List<Path> labelFiles = new ArrayList<>();

  @Option(names = "--stop-signal", paramLabel = "SIGNAL", description = "Instead of SIGTERM")
  String stopSignal = "";

  @Option(
      names = "--stop-timeout",
      paramLabel = "SECONDS",
      description = "Until SIGKILL (default: 10); 0: at once, -1: never")
  @Nullable Integer stopTimeout;

  @Option(names = "--expose", paramLabel = "PORT[/udp]", description = "A port it listens on")
  List<String> expose = new ArrayList<>();

  @Option(names = "--pull", paramLabel = "WHEN", description = "missing (default), always or never")
  String pull = "missing";

  @Option(
      names = {"-q", "--quiet"},
      description = "No progress of a pull")
  boolean quiet;

  @Option(
      names = "--platform",
      paramLabel = "OS/ARCH",
      description = "Of an image that has several")
  String platform = "";

  @Option(names = "--cidfile", paramLabel = "FILE", description = "Write the id there")
  @Nullable Path idFile;

  @Option(names = "--rootfs", description = "IMAGE is a folder used as root file system")
  boolean rootfs;

  @Mixin ProcessOptions process = new ProcessOptions();
  @Mixin NetworkOptions network = new NetworkOptions();
  @Mixin HealthOptions health = new HealthOptions();
  @Mixin HostOptions host = new HostOptions();
  @Mixin ResourceOptions resources = new ResourceOptions();
  @Mixin DiskOptions disks = new DiskOptions();

  @Parameters(index = "0", paramLabel = "IMAGE", description = "Image")
  String image = "";

  @Parameters(
      index = "1..*",
      paramLabel = "COMMAND",
      description = "Instead of the image's command")
  List<String> command = new ArrayList<>();

  Config config(Caller caller) {
    if (!stopSignal.isEmpty() && Signal.parse(stopSignal).isEmpty()) {
      throw new BerthException.InvalidArgument(
          "--stop-signal `" + stopSignal + "`: no such signal");
    }
    if (!process.workdir.isEmpty() && !process.workdir.startsWith("/")) {
      throw new BerthException.InvalidArgument(
          "-w `" + process.workdir + "`: the working directory must be an absolute path");
    }
    var _ = process.detach.keys();
    Config.Builder config =
        Config.newBuilder()
            .setHostname(hostname)
            .setDomainname(domain)
            .setUser(process.user)
            .setTty(process.tty)
            .setOpenStdin(process.interactive)
            .setStdinOnce(process.interactive && !detached)
            .addAllEnv(process.environment(caller))
            .addAllCmd(command)
            .setWorkingDir(process.workdir)
            .putAllLabels(Variables.labels(labels, caller.paths(labelFiles)))
            .setStopSignal(stopSignal)
            .addAllExposedPorts(expose)
            .setImage(image);
    Integer seconds = stopTimeout;
    if (seconds != null) {
      config.setStopTimeout(seconds);
    }
    Healthcheck check = health.build();
    if (check != null) {
      config.setHealth(check);
    }
    String program = entrypoint;
    if (program != null) {
      config.setEntrypointSet(true);
      if (!program.isEmpty()) {
        config.addEntrypoint(program);
      }
    }
    return config.build();
  }

  HostConfig host(Caller caller) {
    Resources.Builder limits = resources.build();
    disks.add(limits);
    return host.build(caller)
        .setAutoRemove(remove)
        .addAllGroupAdd(groups)
        .addAllDns(network.dns)
        .addAllDnsSearch(network.dnsSearch)
        .addAllDnsOptions(network.dnsOptions)
        .addAllExtraHosts(network.addHosts)
        .setResources(limits)
        .setContainerIdFile(idFile == null ? "" : idFile.toString())
        .build();
  }

  NetworkConfig network() {
    return network.build();
  }

  /** The streams that a run in the foreground brings here. */
  Attachment.Want streams() {
    DetachKeys keys = process.detach.keys();
    if (attach.isEmpty()) {
      return new Attachment.Want(process.interactive, true, true, keys);
    }
    for (String stream : attach) {
      if (!List.of("stdin", "stdout", "stderr").contains(stream)) {
        throw new BerthException.InvalidArgument(
            "-a `" + stream + "`: write stdin, stdout or stderr");
      }
    }
    return new Attachment.Want(
        // As docker has it: an input that is kept open is brought here, named or not.
        process.interactive, attach.contains("stdout"), attach.contains("stderr"), keys);
  }
}

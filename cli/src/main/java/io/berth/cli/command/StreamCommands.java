package io.berth.cli.command;

import io.berth.api.berth.container.v1.AttachRequest;
import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.ExecCreateResponse;
import io.berth.api.berth.container.v1.ExecStartRequest;
import io.berth.api.berth.container.v1.ExecStartResponse;
import io.berth.api.berth.container.v1.ExecWaitRequest;
import io.berth.api.berth.container.v1.LogDetailsRequest;
import io.berth.api.berth.container.v1.LogRecord;
import io.berth.api.berth.container.v1.LogsRequest;
import io.berth.api.berth.container.v1.State;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.rpc.Timestamps;
import io.berth.base.text.Moment;
import io.berth.cli.parse.DetachKeys;
import io.berth.cli.render.Inspection;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import io.berth.cli.template.DocumentTypes;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorConnection;
import java.io.PrintStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The verbs that bring a running container's streams here: {@code exec}, {@code attach}, {@code
 * logs}.
 */
public final class StreamCommands {
  private StreamCommands() {}

  /** Does what {@code attach} does without options; answers the exit code. */
  public static int attach(Session session, String container) {
    Attach attach = new Attach();
    attach.container = container;
    return attach.run(session);
  }

  /** Runs a program in a running container. */
  @Command(
      sortOptions = false,
      description = {"Run a command in a running container", "exec inspect ID: what became of one"})
  public static final class Exec extends SessionCommand {
    private static final Pattern EXEC_ID = Pattern.compile("[0-9a-f]{64}");

    @Option(
        names = {"-d", "--detach"},
        description = "In the background")
    boolean detach;

    @Option(names = "--privileged", description = "All capabilities")
    boolean privileged;

    @Mixin ProcessOptions process = new ProcessOptions();

    @Parameters(index = "0", paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "COMMAND", description = "What to run")
    List<String> command = new ArrayList<>();

    private boolean started;

    @Override
    public boolean endsInProgram() {
      return true;
    }

    @Override
    public int run(Session session) {
      if (container.equals("inspect")
          && command.size() == 1
          && EXEC_ID.matcher(command.getFirst()).matches()) {
        // A program has no such name, so this is docker's `exec inspect ID`.
        Inspection inspection = new Inspection("");
        inspection.add(DocumentTypes.UNTYPED, InspectCommand.exec(session, command.getFirst()));
        inspection.print(session.out());
        return 0;
      }
      DetachKeys keys = process.detach.keys();
      if (Foreground.lacksTerminal(session, process.tty && process.interactive && !detach)) {
        return 1;
      }
      ExecCreateRequest.Builder request =
          ExecCreateRequest.newBuilder()
              .setRef(container)
              .addAllCmd(command)
              .setTty(process.tty)
              .setOpenStdin(process.interactive && !detach)
              .setAttachStdout(!detach)
              .setAttachStderr(!detach)
              .addAllEnv(process.environment(session.caller()))
              .setUser(process.user)
              .setWorkingDir(process.workdir)
              .setPrivileged(privileged);
      if (process.tty) {
        session
            .caller()
            .terminalSize()
            .ifPresent(size -> request.setRows(size.rows()).setColumns(size.columns()));
      }
      ExecCreateResponse made = session.call(ContainersGrpc.getExecCreateMethod(), request.build());
      if (detach) {
        var _ = start(session, made.getExecId());
        return 0;
      }
      return foreground(session, made, keys);
    }

    private ExecStartResponse start(Session session, String id) {
      return session.call(
          ContainersGrpc.getExecStartMethod(),
          ExecStartRequest.newBuilder().setRef(container).setExecId(id).build());
    }

    /**
     * Runs the program in the foreground. Its output is kept until this client attaches, so nothing
     * is lost of a program that ends at once.
     */
    private int foreground(Session session, ExecCreateResponse made, DetachKeys keys) {
      Attachment.Want want = new Attachment.Want(process.interactive, true, !process.tty, keys);
      Foreground foreground = new Foreground(session, container, want, /* proxySignals= */ true);
      // A signal that comes before the program runs must not end this process alone.
      foreground.holdSignals();
      try {
        ExecStartResponse answer = start(session, made.getExecId());
        started = true;
        foreground.passOn(made.getExecId(), process.tty);
        // Without a place to attach at, the program has ended together with its container, and what
        // was kept of its output is gone.
        return answer.hasAttach()
            ? attached(session, made, answer.getAttach(), want)
            : Foreground.lost(session, () -> ended(session, made));
      } finally {
        session.caller().signals().release();
      }
    }

    private int attached(
        Session session, ExecCreateResponse made, AttachResponse where, Attachment.Want want) {
      try (Attachment attachment = Attachment.open(session, where, want, Foreground.OWN)) {
        return switch (attachment.awaitEnd()) {
          case Attachment.End.Exited(ExitRecord exit) -> exit.shellCode();
          case Attachment.End.Detached _ -> {
            Foreground.tellDetached(session);
            yield Foreground.LEFT;
          }
          case Attachment.End.Broken broken -> broken.asFilter("exec in `" + container + "`");
          case Attachment.End.Lost _ -> Foreground.lost(session, () -> ended(session, made));
        };
      }
    }

    /** The exit code that the service has on record. */
    private int ended(Session session, ExecCreateResponse made) {
      return session
          .call(
              ContainersGrpc.getExecWaitMethod(),
              ExecWaitRequest.newBuilder().setRef(container).setExecId(made.getExecId()).build())
          .getStatus();
    }

    @Override
    public int exitCode(BerthException failure) {
      if (started) {
        // The engine failed, not the program, which may well have ended with 1.
        return Foreground.ENGINE_FAILED;
      }
      return LaunchFailure.exitCodeOfExec(failure, 1);
    }
  }

  /** Brings a running container's streams here. */
  @Command(description = "Bring a running container's streams here")
  public static final class Attach extends SessionCommand {
    @Option(names = "--no-stdin", description = "Outputs only")
    boolean noStdin;

    @Option(
        names = {"-i"},
        hidden = true,
        description = "Standard input, where the container has it open (the default)")
    boolean stdin = true;

    @Option(
        names = {"-o"},
        description = "Standard output (default: true)")
    boolean stdout = true;

    @Option(
        names = {"-e"},
        description = "Standard error (default: true)")
    boolean stderr = true;

    @Mixin DetachOption detach = new DetachOption();

    @Option(names = "--sig-proxy", description = "Pass signals on to it (default: true)")
    boolean proxySignals = true;

    @Parameters(paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Override
    public int run(Session session) {
      DetachKeys keys = detach.keys();
      Container found = ContainerCommands.get(session, container);
      if (found.getState().getState() != State.STATE_RUNNING) {
        throw new BerthException.FailedPrecondition(
            "attach to `"
                + container
                + "`: it "
                + (found.getState().getState() == State.STATE_PAUSED
                    ? "is paused; unpause it first"
                    : "does not run; start it first"));
      }
      AttachResponse where =
          session.call(
              ContainersGrpc.getAttachMethod(),
              AttachRequest.newBuilder().setRef(container).build());
      Attachment.Want want =
          new Attachment.Want(where.getStdin() && !noStdin && stdin, stdout, stderr, keys);
      Set<SupervisorConnection.Bond> bonds =
          found.getConfig().getStdinOnce()
              ? EnumSet.of(SupervisorConnection.Bond.BACK_PRESSURE)
              : EnumSet.of(
                  SupervisorConnection.Bond.BACK_PRESSURE, SupervisorConnection.Bond.KEEP_STDIN);
      try (Attachment attachment = Attachment.open(session, where, want, bonds)) {
        return new Foreground(session, found.getId(), want, proxySignals)
            .stay(attachment, where, found.getHost().getAutoRemove());
      }
    }
  }

  /** Prints what a container has written, each stream to the same stream here. */
  @Command(description = "What a container wrote")
  public static final class Logs extends SessionCommand {
    private static final int CHECK_EVERY = 256;

    @Option(
        names = {"-f", "--follow"},
        description = "Go on with what comes")
    boolean follow;

    @Option(
        names = {"-t", "--timestamps"},
        description = "With the time of each line")
    boolean timestamps;

    @Option(names = "--details", description = "With what --log-opt has lines carry: labels, tag")
    boolean details;

    @Option(
        names = {"-n", "--tail"},
        paramLabel = "N",
        description = "The last lines only")
    String tail = "all";

    @Option(names = "--since", paramLabel = "TIME", description = "RFC 3339, or an age such as 10m")
    String since = "";

    @Option(names = "--until", paramLabel = "TIME", description = "RFC 3339, or an age such as 10m")
    String until = "";

    @Parameters(paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Override
    public int run(Session session) {
      LogsRequest.Builder request =
          LogsRequest.newBuilder()
              .setRef(container)
              .setFollow(follow)
              .setStdout(true)
              .setStderr(true);
      Long lines = lines(tail);
      if (lines != null) {
        request.setTail(lines);
      }
      Instant now = Instant.now();
      ZoneId zone = session.caller().zone();
      if (!since.isEmpty()) {
        request.setSince(Timestamps.of(Moment.parse("--since", since, now, zone)));
      }
      if (!until.isEmpty()) {
        request.setUntil(Timestamps.of(Moment.parse("--until", until, now, zone)));
      }
      String before = details ? details(session) : "";
      return session.stream(
          ContainersGrpc.getLogsMethod(),
          request.build(),
          records -> {
            int printed = 0;
            while (records.hasNext()) {
              print(session, before, records.next());
              // Where the reader has gone, the rest would be read for nobody.
              if ((follow || ++printed % CHECK_EVERY == 0) && session.out().checkError()) {
                break;
              }
            }
            return 0;
          });
    }

    /** How many lines are wanted; null for all, which a number below zero means as well. */
    private static @Nullable Long lines(String text) {
      if (text.equals("all")) {
        return null;
      }
      try {
        long lines = Long.parseLong(text);
        return lines < 0 ? null : lines;
      } catch (NumberFormatException e) {
        throw new BerthException.InvalidArgument(
            "--tail `" + text + "`: is no number of lines, nor `all`", e);
      }
    }

    /** What each line carries, as docker writes it: a blank alone where that is nothing. */
    private String details(Session session) {
      LogDetailsRequest request = LogDetailsRequest.newBuilder().setRef(container).build();
      return new TreeMap<>(
              session.call(ContainersGrpc.getLogDetailsMethod(), request).getDetailsMap())
          .entrySet().stream()
              .map(entry -> escaped(entry.getKey()) + "=" + escaped(entry.getValue()))
              .collect(Collectors.joining(",", "", " "));
    }

    private static String escaped(String text) {
      // Go leaves other characters alone than Java does (net/url, QueryEscape).
      return URLEncoder.encode(text, StandardCharsets.UTF_8)
          .replace("*", "%2A")
          .replace("%7E", "~");
    }

    private void print(Session session, String before, LogRecord record) {
      PrintStream stream = record.getStderr() ? session.err() : session.out();
      if (timestamps) {
        stream.print(Words.nanos(record.getAt()) + " ");
      }
      stream.print(before);
      byte[] line = record.getLine().toByteArray();
      stream.write(line, 0, line.length);
      if (!record.getPartial()) {
        stream.write('\n');
      }
    }
  }
}

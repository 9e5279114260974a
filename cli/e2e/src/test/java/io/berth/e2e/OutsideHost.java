package io.berth.e2e;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Another host: a network namespace with a cable to this one. It has no route to containers, as no
 * other host has.
 */
final class OutsideHost implements AutoCloseable {
  private final String name;
  private final String link;
  private final int third = ThreadLocalRandom.current().nextInt(256);
  private final int fourth = ThreadLocalRandom.current().nextInt(64) * 4;
  private final Path program;
  private final List<Process> servers = new ArrayList<>();

  /**
   * Makes it.
   *
   * @param id of the instance, for the names on this host
   * @param folder for a program that asks and answers
   */
  OutsideHost(String id, Path folder) throws IOException {
    this.name = "bt" + id;
    this.link = "bto" + id;
    this.program = compiled(folder);
    Command.run("ip", "netns", "add", name).exits(0);
    Command.run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        .exits(0);
    // Of the addresses for tests between networks (RFC 2544).
    Command.run("ip", "address", "add", hostAddress() + "/30", "dev", link).exits(0);
    Command.run("ip", "link", "set", link, "up").exits(0);
    ip("address", "add", address() + "/30", "dev", "eth0");
    ip("link", "set", "lo", "up");
    ip("link", "set", "eth0", "up");
  }

  private static Path compiled(Path folder) throws IOException {
    Path source = folder.resolve("answer.c");
    try (InputStream in =
        Objects.requireNonNull(OutsideHost.class.getResourceAsStream("answer.c"))) {
      Files.write(source, in.readAllBytes());
    }
    Path program = folder.resolve("answer");
    Command.run("musl-gcc", "-static", "-O1", "-o", program.toString(), source.toString()).exits(0);
    return program;
  }

  private void ip(String... arguments) {
    List<String> line = new ArrayList<>(List.of("ip", "-n", name));
    line.addAll(List.of(arguments));
    Command.run(line.toArray(String[]::new)).exits(0);
  }

  /** Its own address. */
  String address() {
    return "198.19." + third + "." + (fourth + 2);
  }

  /** The address of this host that it knows. */
  String hostAddress() {
    return "198.19." + third + "." + (fourth + 1);
  }

  /** A static program: {@code serve PORT}, or {@code ask tcp|udp ADDRESS PORT}. */
  Path program() {
    return program;
  }

  /** A command line there. */
  List<String> there(String... command) {
    List<String> line = new ArrayList<>(List.of("ip", "netns", "exec", name));
    line.addAll(List.of(command));
    return line;
  }

  /** Asks from there. */
  Command ask(String protocol, String address, String port) {
    return Command.run(
        there(program.toString(), "ask", protocol, address, port).toArray(String[]::new));
  }

  /** Answers there. */
  void serve(int port) throws IOException {
    servers.add(
        new ProcessBuilder(there(program.toString(), "serve", String.valueOf(port)))
            .inheritIO()
            .start());
  }

  @Override
  public void close() {
    for (Process server : servers) {
      server.destroyForcibly().onExit().join();
    }
    Command.run("ip", "link", "delete", link).exits(0);
    Command.run("ip", "netns", "delete", name).exits(0);
  }
}

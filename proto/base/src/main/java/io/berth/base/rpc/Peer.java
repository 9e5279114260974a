package io.berth.base.rpc;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.ServerCall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Who is on the other end of a Unix socket, as the kernel says (unix(7), SO_PEERCRED, at connect
 * time).
 */
public record Peer(int pid, int uid, int gid) {
  static final Attributes.Key<Peer> ATTRIBUTE = Attributes.Key.create("berth-peer");

  private static final int OWN_USER = ownUser();

  private static int ownUser() {
    try {
      return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    } catch (IOException e) {
      throw new UncheckedIOException("look for the user of this process", e);
    }
  }

  /** Whether its user is this process's own. */
  boolean isOfOwnUser() {
    return uid == OWN_USER;
  }

  /** The peer of a call; null for an in-process transport. */
  public static @Nullable Peer of(ServerCall<?, ?> call) {
    return call.getAttributes().get(ATTRIBUTE);
  }

  /** The peer in words, for logs. */
  public static String describe(ServerCall<?, ?> call) {
    Peer peer = of(call);
    return peer == null
        ? String.valueOf(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR))
        : "pid " + peer.pid + " uid " + peer.uid;
  }
}

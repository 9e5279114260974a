package io.berth.containerd.container;

import io.berth.base.id.AttachToken;
import io.berth.base.id.TaskKey;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.security.SecureRandom;
import java.time.Duration;

/** Makes the tokens with which clients attach to the streams of processes. Thread-safe. */
@Singleton
final class AttachTokens {
  /** A client that has not attached by then must ask again. */
  private static final Duration VALIDITY = Duration.ofMinutes(1);

  private final Tasks tasks;
  private final SecureRandom random = new SecureRandom();

  @Inject
  AttachTokens(Tasks tasks) {
    this.tasks = tasks;
  }

  /** A token that nobody knows yet. */
  AttachToken make() {
    byte[] token = new byte[AttachToken.BYTES];
    random.nextBytes(token);
    return new AttachToken(token, VALIDITY);
  }

  /**
   * What a client needs to attach with a token that the task knows.
   *
   * @param execId empty for the container's first process
   */
  AttachGrant grant(
      TaskKey key, String execId, AttachToken token, boolean terminal, boolean openInput) {
    return new AttachGrant(tasks.supervisorSocket(key), token.bytes(), terminal, openInput, execId);
  }

  /**
   * Lets a client attach once to a process that is there.
   *
   * @param execId empty for the container's first process
   */
  AttachGrant allow(TaskKey key, String execId, boolean terminal, boolean openInput) {
    AttachToken token = make();
    tasks.allowAttach(key, execId, token);
    return grant(key, execId, token, terminal, openInput);
  }
}

package io.berth.containerd.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.layout.Stdio;
import java.time.Instant;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The life of one process of a task. */
class ProcessStateTest {
  private static final Exit EXIT = new Exit(7, 3, Instant.EPOCH, false, false);

  private final TaskProcess process = new TaskProcess("", Stdio.NONE, new ReentrantLock());

  private void change(UnaryOperator<ProcessState> transition) {
    var _ = process.change(transition);
  }

  @Test
  void exit_thatComesBeforeTheAnswerOfTheStart_isHeldBack() {
    change(ProcessState::startBegins);
    change(state -> state.ends(EXIT));
    assertEquals(EXIT, process.state().exit());
    assertNull(process.untold(), "the start was not told yet");
    assertTrue(process.started(7));
    assertEquals(EXIT, process.untold());
    assertFalse(process.started(7), "a start is told once");
  }

  @Test
  void exit_whoseStartFailed_isTold() {
    change(ProcessState::startBegins);
    change(state -> state.ends(EXIT));
    change(ProcessState::startFails);
    assertEquals(EXIT, process.untold());
    assertFalse(process.state().wasStarted());
  }

  @Test
  void exit_isHeldBackUntilTheLastOfTwoStarts() {
    change(ProcessState::startBegins);
    change(ProcessState::startBegins);
    change(state -> state.ends(EXIT));
    change(ProcessState::startFails);
    assertNull(process.untold(), "the other start is still under way");
    assertTrue(process.started(7));
    assertNotNull(process.untold());
  }

  @Test
  void failedStart_canBeRepeated() {
    change(state -> state.numbered(7));
    change(ProcessState::startBegins);
    change(ProcessState::startFails);
    assertEquals(new ProcessState.Created(7), process.state());
    change(ProcessState::startBegins);
    assertTrue(process.started(7));
    change(ProcessState::startBegins);
    change(ProcessState::startFails);
    assertEquals(new ProcessState.Running(7), process.state());
  }

  @Test
  void secondExit_changesNothing() {
    change(state -> state.started(7).ends(EXIT));
    change(state -> state.ends(new Exit(7, 255, Instant.EPOCH, false, true)));
    assertEquals(EXIT, process.state().exit());
  }

  @Test
  void restoredExit_isToldAgainOnce() {
    process.restore(EXIT);
    assertEquals(EXIT, process.told().join());
    assertTrue(process.state().wasStarted());
    assertNull(process.untold());
    assertEquals(EXIT, process.repeated());
    assertNull(process.repeated());
    assertInstanceOf(ProcessState.Ended.class, process.state());
  }
}

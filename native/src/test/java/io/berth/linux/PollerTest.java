package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PollerTest {
  private Poller poller;

  @BeforeEach
  void start() throws Exception {
    poller = Poller.start("test-poller");
  }

  @AfterEach
  void stop() {
    poller.close();
  }

  @Test
  void manyDescriptorsAreWaitedForAtOnce() throws Exception {
    BlockingQueue<Integer> ready = new LinkedBlockingQueue<>();
    List<Fd.Pipe> pipes = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      int number = i;
      Fd.Pipe pipe = Fd.pipe(OpenFlags.O_NONBLOCK);
      pipes.add(pipe);
      poller.register(
          pipe.readEnd(),
          Epoll.EPOLLIN,
          (registration, _) -> {
            registration.close();
            ready.add(number);
          });
    }
    for (int i : new int[] {199, 0, 57}) {
      pipes.get(i).writeEnd().writeAll(new byte[] {1});
      assertEquals(i, ready.poll(10, TimeUnit.SECONDS));
    }
    assertNull(ready.poll(20, TimeUnit.MILLISECONDS), "told once, closed since");
    pipes.forEach(Fd.Pipe::close);
  }

  /** What another thread closes while it is used is no failure; a failure is told. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCallbackThatIsClosedWhileItRuns_isNoFailure(boolean closed) throws Exception {
    List<LogRecord> told = new CopyOnWriteArrayList<>();
    Logger log = Logger.getLogger(Poller.class.getName());
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            told.add(record);
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    log.addHandler(handler);
    log.setUseParentHandlers(false);
    try (Fd.Pipe pipe = Fd.pipe(OpenFlags.O_NONBLOCK)) {
      CompletableFuture<Void> ran = new CompletableFuture<>();
      poller.register(
          pipe.readEnd(),
          Epoll.EPOLLIN,
          (registration, _) -> {
            if (closed) {
              registration.close();
              pipe.readEnd().close();
            }
            ran.complete(null);
            if (closed) {
              pipe.readEnd().number();
            }
            throw new IllegalStateException("expected by the test");
          });
      pipe.writeEnd().writeAll(new byte[] {1});
      ran.get(10, TimeUnit.SECONDS);
      CompletableFuture<Void> after = new CompletableFuture<>();
      poller.execute(() -> after.complete(null));
      after.get(10, TimeUnit.SECONDS);
      assertEquals(closed ? 0 : 1, told.size());
    } finally {
      log.removeHandler(handler);
      log.setUseParentHandlers(true);
    }
  }

  @Test
  void tasksRunOnItsThread_andFailuresDoNotEndIt() throws Exception {
    poller.execute(() -> {
      throw new IllegalStateException("expected by the test");
    });
    poller.execute(() -> {
      throw new OutOfMemoryError("expected by the test");
    });
    CompletableFuture<String> name = new CompletableFuture<>();
    poller.execute(() -> name.complete(Thread.currentThread().getName()));
    assertEquals("test-poller", name.get(10, TimeUnit.SECONDS));
    assertFalse(poller.isCurrentThread());
  }

  /** More of a stack than there are addresses: there is no such thread. */
  @Test
  void aCallbackThatCannotStartAThread_doesNotEndIt() throws Exception {
    CompletableFuture<Integer> second = new CompletableFuture<>();
    try (Fd.Pipe first = Fd.pipe(OpenFlags.O_NONBLOCK);
        Fd.Pipe other = Fd.pipe(OpenFlags.O_NONBLOCK)) {
      poller.register(
          first.readEnd(),
          Epoll.EPOLLIN,
          (_, _) -> Thread.ofPlatform().stackSize(1L << 55).start(() -> {}));
      poller.register(
          other.readEnd(),
          Epoll.EPOLLIN,
          (registration, events) -> {
            registration.close();
            second.complete(events);
          });
      first.writeEnd().writeAll(new byte[] {1});
      other.writeEnd().writeAll(new byte[] {1});
      assertEquals(Epoll.EPOLLIN, second.get(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void aCallbackThatFails_isNotCalledAgain() throws Exception {
    BlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
    try (Fd.Pipe pipe = Fd.pipe(OpenFlags.O_NONBLOCK)) {
      poller.register(
          pipe.readEnd(),
          Epoll.EPOLLIN,
          (_, events) -> {
            calls.add(events);
            throw new IOException("expected by the test");
          });
      pipe.writeEnd().writeAll(new byte[] {1});
      assertEquals(Epoll.EPOLLIN, calls.poll(10, TimeUnit.SECONDS));
      assertNull(calls.poll(20, TimeUnit.MILLISECONDS));
    }
  }

  @Test
  void theOtherSidesEnd_isTold() throws Exception {
    BlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
    try (Fd.Pipe pipe = Fd.pipe(OpenFlags.O_NONBLOCK)) {
      poller.register(
          pipe.readEnd(),
          Epoll.EPOLLIN,
          (registration, events) -> {
            registration.close();
            calls.add(events);
          });
      pipe.writeEnd().close();
      Integer events = calls.poll(10, TimeUnit.SECONDS);
      assertTrue(events != null && (events & Epoll.EPOLLHUP) != 0);
    }
  }

  @Test
  void closed_itsThreadIsGone() {
    poller.close();
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .noneMatch(t -> t.getName().equals("test-poller") && t.isAlive()));
  }

  @Test
  void close_thatMeetsAWakeUp_endsQuietly() throws Exception {
    for (int i = 0; i < 300; i++) {
      Poller poller = Poller.start("closing");
      Thread waker =
          Thread.ofPlatform()
              .start(() -> {
                for (int task = 0; task < 50; task++) {
                  poller.execute(() -> {});
                }
              });
      poller.close();
      waker.join();
    }
  }
}

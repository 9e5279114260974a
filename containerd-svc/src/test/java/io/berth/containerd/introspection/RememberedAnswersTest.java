package io.berth.containerd.introspection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.Info;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.content.v1.InfoResponse;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.ReadContentResponse;
import io.berth.base.error.BerthException;
import io.berth.base.io.SharedCounter;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.rpc.UnixServer;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is asked of image-svc once, and what every time. */
class RememberedAnswersTest {
  @TempDir Path folder;
  private Instance instance;
  private EventLoops loops;
  private UnixServer images;
  private SharedCounter changes;
  private final AtomicInteger asked = new AtomicInteger();

  @BeforeEach
  void start() throws IOException {
    instance = new Instance(folder);
    loops = new EventLoops(1);
    images =
        UnixServer.start(
            loops,
            UnixServer.Options.of(
                instance.config.socket("image"), List.of(new Contents().bindService())),
            List.of());
    changes = SharedCounter.open(instance.config.state().resolve("image.changes"));
  }

  @AfterEach
  void stop() {
    images.close();
    instance.close();
    loops.close();
  }

  /** Counts; a digest is answered by its size and the namespace. */
  private final class Contents extends ContentGrpc.ContentImplBase {
    @Override
    public void info(InfoRequest request, StreamObserver<InfoResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            int number = asked.incrementAndGet();
            if (request.getDigest().equals("absent")) {
              throw new BerthException.NotFound("content absent");
            }
            return InfoResponse.newBuilder()
                .setInfo(
                    Info.newBuilder()
                        .setDigest(request.getDigest())
                        .setSize(number)
                        .putLabels("namespace", CallContext.namespace()))
                .build();
          });
    }

    @Override
    public void read(ReadContentRequest request, StreamObserver<ReadContentResponse> responses) {
      asked.incrementAndGet();
      responses.onNext(part("one"));
      if (request.getDigest().equals("long")) {
        responses.onNext(part("two"));
      }
      responses.onCompleted();
    }

    private static ReadContentResponse part(String text) {
      return ReadContentResponse.newBuilder().setData(ByteString.copyFromUtf8(text)).build();
    }
  }

  private ContentGrpc.ContentBlockingStub content(String namespace) {
    return UnixChannel.in(ContentGrpc.newBlockingStub(instance.channel()), namespace, null)
        .withWaitForReady();
  }

  private long info(String namespace, String digest) {
    Info info =
        content(namespace).info(InfoRequest.newBuilder().setDigest(digest).build()).getInfo();
    assertEquals(namespace, info.getLabelsOrThrow("namespace"));
    return info.getSize();
  }

  private String read(String digest) {
    StringBuilder text = new StringBuilder();
    content("a")
        .read(ReadContentRequest.newBuilder().setDigest(digest).build())
        .forEachRemaining(part -> text.append(part.getData().toStringUtf8()));
    return text.toString();
  }

  @Test
  void aSecondQuestion_isNotPassedOn_untilSomethingChanges() {
    assertEquals(1, info("a", "x"));
    assertEquals(1, info("a", "x"));
    changes.increase();
    assertEquals(2, info("a", "x"));
    assertEquals(2, info("a", "x"));
    assertEquals(2, asked.get());
  }

  @Test
  void otherQuestions_andOtherNamespaces_areOnesOfTheirOwn() {
    assertEquals(1, info("a", "x"));
    assertEquals(2, info("a", "y"));
    assertEquals(3, info("b", "x"));
  }

  @Test
  void aFailure_isAskedForAgain() {
    for (int i = 1; i <= 2; i++) {
      StatusRuntimeException e =
          assertThrows(StatusRuntimeException.class, () -> info("a", "absent"));
      assertEquals(Code.NOT_FOUND, e.getStatus().getCode());
      assertEquals(i, asked.get());
    }
  }

  @Test
  void oneMessageOfAStream_isRemembered_moreAreNot() {
    assertEquals("one", read("short"));
    assertEquals("one", read("short"));
    assertEquals(1, asked.get());
    assertEquals("onetwo", read("long"));
    assertEquals("onetwo", read("long"));
    assertEquals(3, asked.get());
  }
}

package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A registry that hangs holds up nobody else. */
@Tag("root")
final class SilentRegistryIT {
  @RegisterExtension
  final ServiceExtension service = new ServiceExtension("[image]\nregistry_silence = 1\n");

  private String pull(String ref) {
    List<Progress> steps = new ArrayList<>();
    UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null)
        .pull(PullRequest.newBuilder().setRef(ref).build())
        .forEachRemaining(steps::add);
    return steps.getLast().getImage().getId();
  }

  /** Another pull waits for a layer that is on its way, but not for one that does not come. */
  @Test
  void layerThatHangs_isFetchedFromElsewhereMeanwhile() throws Exception {
    Archives.Image image = Archives.image("sh", StreamedPullIT.noise(1));
    String layer = FakeRegistry.layer(image, 0);
    try (FakeRegistry hanging = FakeRegistry.plain().image("1", image);
        FakeRegistry other = FakeRegistry.plain().image("1", image)) {
      hanging.whenAsked(layer, (exchange, blob) -> hanging.stall(exchange, blob, blob.length / 2));
      Context.CancellableContext context = Context.current().withCancellation();
      CompletableFuture<Boolean> first =
          CompletableFuture.supplyAsync(() -> {
            Context before = context.attach();
            try {
              pull(hanging.ref("1"));
              return true;
            } catch (StatusRuntimeException e) {
              return false;
            } finally {
              context.detach(before);
            }
          });
      Eventually.holds("the layer was asked for", () -> !hanging.requests(layer).isEmpty());
      assertEquals(image.config().digest(), pull(other.ref("1")));
      assertFalse(first.isDone(), "the first pull did not hang");
      context.cancel(null);
      assertFalse(first.get(20, TimeUnit.SECONDS));
    }
  }
}

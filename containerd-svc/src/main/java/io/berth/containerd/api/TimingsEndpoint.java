package io.berth.containerd.api;

import io.berth.api.berth.container.v1.ListTimingsRequest;
import io.berth.api.berth.container.v1.ListTimingsResponse;
import io.berth.api.berth.container.v1.Span;
import io.berth.api.berth.container.v1.TimingsGrpc;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.timing.Timing;
import io.berth.containerd.timing.Timings;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;

/** {@code berth.container.v1.Timings}. */
public final class TimingsEndpoint extends TimingsGrpc.TimingsImplBase {
  private final Timings timings;

  @Inject
  TimingsEndpoint(Timings timings) {
    this.timings = timings;
  }

  @Override
  public void list(ListTimingsRequest request, StreamObserver<ListTimingsResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          ListTimingsResponse.Builder answer = ListTimingsResponse.newBuilder();
          if (request.getIdsCount() == 0) {
            timings.in(namespace).forEach((id, timing) -> answer.addTimings(message(id, timing)));
          }
          for (String id : request.getIdsList()) {
            timings
                .of(new TaskKey(namespace, id))
                .ifPresent(timing -> answer.addTimings(message(id, timing)));
          }
          return answer.build();
        });
  }

  private static io.berth.api.berth.container.v1.Timing message(String id, Timing timing) {
    io.berth.api.berth.container.v1.Timing.Builder message =
        io.berth.api.berth.container.v1.Timing.newBuilder()
            .setId(id)
            .setBegunAt(Timestamps.of(timing.begunAt()));
    for (Timing.Span span : timing.spans()) {
      message.addSpans(
          Span.newBuilder()
              .setName(span.name())
              .setBeginNanos(span.beginNanos())
              .setNanos(span.nanos())
              .setDepth(span.depth()));
    }
    return message.build();
  }
}

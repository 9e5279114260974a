package io.berth.image.api;

import com.google.protobuf.Empty;
import com.google.protobuf.UnsafeByteOperations;
import io.berth.api.containerd.services.content.v1.AbortRequest;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.DeleteContentRequest;
import io.berth.api.containerd.services.content.v1.Info;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.content.v1.InfoResponse;
import io.berth.api.containerd.services.content.v1.ListContentRequest;
import io.berth.api.containerd.services.content.v1.ListContentResponse;
import io.berth.api.containerd.services.content.v1.ListStatusesRequest;
import io.berth.api.containerd.services.content.v1.ListStatusesResponse;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.ReadContentResponse;
import io.berth.api.containerd.services.content.v1.Status;
import io.berth.api.containerd.services.content.v1.StatusRequest;
import io.berth.api.containerd.services.content.v1.StatusResponse;
import io.berth.api.containerd.services.content.v1.UpdateRequest;
import io.berth.api.containerd.services.content.v1.UpdateResponse;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.berth.api.containerd.services.content.v1.WriteContentResponse;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.image.content.ContentInfo;
import io.berth.image.content.ContentStore;
import io.berth.image.content.IngestStatus;
import io.berth.image.content.IngestStore;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;

/** {@code containerd.services.content.v1.Content}. */
@Singleton
public final class ContentEndpoint extends ContentGrpc.ContentImplBase {
  private static final int PAGE = 100;
  private static final int CHUNK = 1 << 20;
  private static final int SMALL = 64 << 10;

  private final ContentStore content;
  private final IngestStore ingests;

  @Inject
  public ContentEndpoint(ContentStore content, IngestStore ingests) {
    this.content = content;
    this.ingests = ingests;
  }

  @Override
  public void info(InfoRequest request, StreamObserver<InfoResponse> responses) {
    Calls.answer(
        responses,
        () ->
            InfoResponse.newBuilder()
                .setInfo(
                    message(content.info(CallContext.namespace(), Digest.of(request.getDigest()))))
                .build());
  }

  @Override
  public void update(UpdateRequest request, StreamObserver<UpdateResponse> responses) {
    Calls.answer(
        responses,
        () ->
            UpdateResponse.newBuilder()
                .setInfo(
                    message(
                        content.update(
                            CallContext.namespace(),
                            Digest.of(request.getInfo().getDigest()),
                            request.getInfo().getLabelsMap(),
                            request.getUpdateMask().getPathsList())))
                .build());
  }

  @Override
  public void list(ListContentRequest request, StreamObserver<ListContentResponse> responses) {
    List<ContentInfo> all =
        content.list(CallContext.namespace(), Filter.of(request.getFiltersList()));
    BlockingSender.run(
        responses,
        sender -> {
          for (int at = 0; at < all.size(); at += PAGE) {
            ListContentResponse.Builder page = ListContentResponse.newBuilder();
            all.subList(at, Math.min(all.size(), at + PAGE))
                .forEach(info -> page.addInfo(message(info)));
            sender.send(page.build());
          }
        });
  }

  @Override
  public void delete(DeleteContentRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          content.delete(
              CallContext.namespace(), CallContext.lease(), Digest.of(request.getDigest()));
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void read(ReadContentRequest request, StreamObserver<ReadContentResponse> responses) {
    String namespace = CallContext.namespace();
    Digest digest = Digest.of(request.getDigest());
    long size = content.info(namespace, digest).size();
    long offset = Math.max(0, request.getOffset());
    if (offset > size) {
      throw new BerthException.OutOfRange("read past object length " + size + " bytes");
    }
    long end =
        request.getSize() <= 0 || request.getSize() > size - offset
            ? size
            : offset + request.getSize();
    if (end > offset && end - offset <= SMALL) {
      // Manifests and configurations fit into one message, and the transport always takes one, so
      // no thread has to wait.
      Calls.answer(responses, () -> small(namespace, digest, offset, (int) (end - offset)));
    } else {
      BlockingSender.run(responses, sender -> send(sender, namespace, digest, offset, end));
    }
  }

  private ReadContentResponse small(String namespace, Digest digest, long from, int length)
      throws IOException {
    try (FileChannel file = content.open(namespace, digest)) {
      return ReadContentResponse.newBuilder()
          .setData(UnsafeByteOperations.unsafeWrap(bytes(file, digest, from, length)))
          .build();
    }
  }

  private void send(
      BlockingSender<ReadContentResponse> sender,
      String namespace,
      Digest digest,
      long from,
      long end)
      throws IOException {
    try (FileChannel file = content.open(namespace, digest)) {
      long at = from;
      while (at < end) {
        byte[] bytes = bytes(file, digest, at, (int) Math.min(CHUNK, end - at));
        sender.send(
            ReadContentResponse.newBuilder()
                .setOffset(at - from)
                .setData(UnsafeByteOperations.unsafeWrap(bytes))
                .build());
        at += bytes.length;
      }
    }
  }

  private static byte[] bytes(FileChannel file, Digest digest, long from, int length)
      throws IOException {
    byte[] bytes = new byte[length];
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      if (file.read(buffer, from + buffer.position()) < 0) {
        throw new BerthException.DataLoss(
            "content " + digest + " is shorter than recorded; pull or import it again");
      }
    }
    return bytes;
  }

  @Override
  public void status(StatusRequest request, StreamObserver<StatusResponse> responses) {
    Calls.answer(
        responses,
        () ->
            StatusResponse.newBuilder()
                .setStatus(message(ingests.status(CallContext.namespace(), request.getRef())))
                .build());
  }

  @Override
  public void listStatuses(
      ListStatusesRequest request, StreamObserver<ListStatusesResponse> responses) {
    Calls.answer(
        responses,
        () ->
            ListStatusesResponse.newBuilder()
                .addAllStatuses(
                    ingests
                        .statuses(CallContext.namespace(), Filter.of(request.getFiltersList()))
                        .stream()
                        .map(ContentEndpoint::message)
                        .toList())
                .build());
  }

  @Override
  public StreamObserver<WriteContentRequest> write(StreamObserver<WriteContentResponse> responses) {
    return new ContentWriteStream(ingests, CallContext.namespace(), CallContext.lease(), responses);
  }

  @Override
  public void abort(AbortRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          ingests.abort(CallContext.namespace(), CallContext.lease(), request.getRef());
          return Empty.getDefaultInstance();
        });
  }

  private static Info message(ContentInfo info) {
    return Info.newBuilder()
        .setDigest(info.digest().toString())
        .setSize(info.size())
        .setCreatedAt(Timestamps.of(info.created()))
        .setUpdatedAt(Timestamps.of(info.updated()))
        .putAllLabels(info.labels())
        .build();
  }

  private static Status message(IngestStatus status) {
    return Status.newBuilder()
        .setRef(status.ref())
        .setOffset(status.offset())
        .setTotal(status.total())
        .setStartedAt(Timestamps.of(status.started()))
        .setUpdatedAt(Timestamps.of(status.updated()))
        .build();
  }
}

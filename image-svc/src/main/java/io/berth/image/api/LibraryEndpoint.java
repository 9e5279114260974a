package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.image.v1.CheckLoginRequest;
import io.berth.api.berth.image.v1.Chunk;
import io.berth.api.berth.image.v1.CommitRequest;
import io.berth.api.berth.image.v1.HistoryRequest;
import io.berth.api.berth.image.v1.HistoryResponse;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ImportRequest;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.ListResponse;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.NamespacesResponse;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PruneRequest;
import io.berth.api.berth.image.v1.PruneResponse;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.api.berth.image.v1.RemoveRequest;
import io.berth.api.berth.image.v1.RemoveResponse;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.SaveRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.api.berth.image.v1.UsageResponse;
import io.berth.api.berth.image.v1.VerifyRequest;
import io.berth.api.berth.image.v1.VerifyResponse;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/**
 * {@code berth.image.v1.Images}: each call goes on to the one of four classes that knows what it is
 * about.
 */
@Singleton
public final class LibraryEndpoint extends ImagesGrpc.ImagesImplBase {
  private final ImageQueries queries;
  private final ImageUpkeep upkeep;
  private final ImageProduction production;
  private final ImageTransfers transfers;

  @Inject
  LibraryEndpoint(
      ImageQueries queries,
      ImageUpkeep upkeep,
      ImageProduction production,
      ImageTransfers transfers) {
    this.queries = queries;
    this.upkeep = upkeep;
    this.production = production;
    this.transfers = transfers;
  }

  @Override
  public void resolve(ResolveRequest request, StreamObserver<Image> responses) {
    queries.resolve(request, responses);
  }

  @Override
  public void list(ListRequest request, StreamObserver<ListResponse> responses) {
    queries.list(request, responses);
  }

  @Override
  public void tag(TagRequest request, StreamObserver<Image> responses) {
    upkeep.tag(request, responses);
  }

  @Override
  public void remove(RemoveRequest request, StreamObserver<RemoveResponse> responses) {
    upkeep.remove(request, responses);
  }

  @Override
  public void history(HistoryRequest request, StreamObserver<HistoryResponse> responses) {
    queries.history(request, responses);
  }

  @Override
  public StreamObserver<LoadRequest> load(StreamObserver<Progress> responses) {
    return production.load(responses);
  }

  @Override
  public StreamObserver<ImportRequest> import_(StreamObserver<Progress> responses) {
    return production.import_(responses);
  }

  @Override
  public void save(SaveRequest request, StreamObserver<Chunk> responses) {
    production.save(request, responses);
  }

  @Override
  public void commit(CommitRequest request, StreamObserver<Image> responses) {
    production.commit(request, responses);
  }

  @Override
  public void verify(VerifyRequest request, StreamObserver<VerifyResponse> responses) {
    upkeep.verify(request, responses);
  }

  @Override
  public void usage(Empty request, StreamObserver<UsageResponse> responses) {
    queries.usage(request, responses);
  }

  @Override
  public void namespaces(Empty request, StreamObserver<NamespacesResponse> responses) {
    queries.namespaces(responses);
  }

  @Override
  public void prune(PruneRequest request, StreamObserver<PruneResponse> responses) {
    upkeep.prune(request, responses);
  }

  @Override
  public void pull(PullRequest request, StreamObserver<Progress> responses) {
    transfers.pull(request, responses);
  }

  @Override
  public void push(PushRequest request, StreamObserver<Progress> responses) {
    transfers.push(request, responses);
  }

  @Override
  public void checkLogin(CheckLoginRequest request, StreamObserver<Empty> responses) {
    transfers.checkLogin(request, responses);
  }
}

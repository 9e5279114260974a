package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.image.v1.CheckLoginRequest;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.library.ResolvedImage;
import io.berth.image.registry.Access;
import io.berth.image.registry.RegistryHosts;
import io.berth.image.registry.RegistryTransfer;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.Platform;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The calls of {@link LibraryEndpoint} that ask registries. */
@Singleton
final class ImageTransfers {
  private final RegistryTransfer transfers;
  private final RegistryHosts registries;
  private final ImageMessages messages;
  private final LibraryThreads threads;
  private final String snapshotter;

  @Inject
  ImageTransfers(
      RegistryTransfer transfers,
      RegistryHosts registries,
      ImageMessages messages,
      LibraryThreads threads,
      Config config) {
    this.transfers = transfers;
    this.registries = registries;
    this.messages = messages;
    this.threads = threads;
    this.snapshotter = config.snapshotter();
  }

  void pull(PullRequest request, StreamObserver<Progress> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          RegistryTransfer.Request transfer =
              transfer(
                  namespace,
                  request.getRef(),
                  ImageMessages.platform(request.getPlatform()),
                  wish(request.getCredentials(), request.getPlainHttp(), request.getInsecureTls()),
                  !request.getNoUnpack(),
                  sender);
          List<String> refs =
              request.getAllTags() ? threads.run("tags", () -> transfers.tags(transfer)) : null;
          each(
              "pull",
              transfer,
              refs,
              sender,
              one -> {
                ResolvedImage image = threads.run("pull", () -> transfers.pull(one));
                return Progress.newBuilder()
                    .setStatus("done")
                    .setMessage(image.target().digest())
                    .setImage(message(namespace, image))
                    .build();
              });
        });
  }

  /** The transfer of one image; answers what is told of it at its end. */
  private interface Single {
    Progress run(RegistryTransfer.Request transfer);
  }

  /**
   * Does one transfer, or one for each tag of a repository. A tag that fails is told, and the
   * others go on.
   *
   * @param refs null for the transfer's own
   */
  private static void each(
      String work,
      RegistryTransfer.Request transfer,
      @Nullable List<String> refs,
      BlockingSender<Progress> sender,
      Single single) {
    if (refs == null) {
      sender.send(single.run(transfer));
      return;
    }
    Failures failures = new Failures();
    for (String ref : refs) {
      try {
        sender.send(single.run(transfer.of(ref)));
      } catch (BerthException.Cancelled e) {
        throw e;
      } catch (BerthException e) {
        failures.add(ref, e);
        sender.send(
            Progress.newBuilder()
                .setStatus("failed")
                .setMessage(String.valueOf(e.getMessage()))
                .build());
      }
    }
    failures.tell(work, refs.size());
  }

  /** What went wrong with single tags, while the others went on. */
  private static final class Failures {
    private final List<String> refs = new ArrayList<>();
    private @Nullable BerthException first;

    void add(String ref, BerthException failure) {
      refs.add(ref);
      first = first == null ? failure : first;
    }

    void tell(String work, int all) {
      if (first != null) {
        throw new BerthException.Unknown(
            work
                + ": "
                + refs.size()
                + " of "
                + all
                + " tags failed; the first, `"
                + refs.getFirst()
                + "`: "
                + first.getMessage(),
            first);
      }
    }
  }

  void push(PushRequest request, StreamObserver<Progress> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          RegistryTransfer.Request transfer =
              transfer(
                  namespace,
                  request.getRef(),
                  ImageMessages.platform(request.getPlatform()),
                  wish(request.getCredentials(), request.getPlainHttp(), request.getInsecureTls()),
                  /* unpack= */ false,
                  sender);
          each(
              "push",
              transfer,
              request.getAllTags() ? transfers.names(transfer) : null,
              sender,
              one -> {
                var pushed = threads.run("push", () -> transfers.push(one));
                return Progress.newBuilder()
                    .setStatus("done")
                    .setMessage(pushed.digest())
                    .setTotal(pushed.size())
                    .build();
              });
        });
  }

  void checkLogin(CheckLoginRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () ->
            threads.run(
                "login",
                () -> {
                  transfers.checkLogin(
                      registries.route(
                          request.getRegistry(),
                          wish(
                              request.getCredentials(),
                              request.getPlainHttp(),
                              request.getInsecureTls())));
                  return Empty.getDefaultInstance();
                }));
  }

  /** The name without the scheme of an address, by which a registry may be named as well. */
  private static String bare(String ref) {
    return ref.replaceFirst("^https?://", "");
  }

  /** A transfer under a name, by the way that leads to the registry of the name. */
  private RegistryTransfer.Request transfer(
      String namespace,
      String ref,
      @Nullable Platform platform,
      RegistryHosts.Wish wish,
      boolean unpack,
      BlockingSender<Progress> progress) {
    String name = bare(ref);
    String scheme = ref.substring(0, ref.length() - name.length());
    RegistryHosts.Route route = registries.route(scheme + ImageReference.of(name).domain(), wish);
    return new RegistryTransfer.Request(
        namespace, snapshotter, name, platform, route, unpack, new ProgressStream(progress));
  }

  private static RegistryHosts.Wish wish(
      Credentials credentials, boolean plainHttp, boolean insecureTls) {
    return new RegistryHosts.Wish(
        new Access.Credentials(
            credentials.getUsername(),
            credentials.getPassword(),
            credentials.getIdentityToken(),
            credentials.getRegistryToken()),
        plainHttp,
        insecureTls);
  }

  private Image message(String namespace, ResolvedImage image) {
    return messages.message(namespace, snapshotter, image);
  }
}

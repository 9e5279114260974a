package io.berth.cli.command;

import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.FromImage;
import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.cli.session.Session;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Puts what a person typed about a new container into a request, and has an image pulled that is
 * not here. The service makes all of it, or nothing. For one use.
 */
final class Creation {
  private final Session session;
  private final ContainerOptions options;
  private final @Nullable Path idFile;

  /** Throws INVALID_ARGUMENT if the file of {@code --cidfile} is there already. */
  Creation(Session session, ContainerOptions options) {
    this.session = session;
    this.options = options;
    this.idFile = options.idFile == null ? null : session.caller().path(options.idFile);
    if (idFile != null && Files.exists(idFile)) {
      throw new BerthException.InvalidArgument(
          "--cidfile `" + idFile + "`: is there already; remove it or give another");
    }
  }

  /**
   * Makes a call with the request; once more, if it finds no image and that can be pulled.
   *
   * @param call asks the service, and blocks for its answer
   */
  <A> A ask(Function<CreateRequest, A> call) {
    CreateRequest.Builder request =
        CreateRequest.newBuilder()
            .setName(options.name)
            .setConfig(options.config(session.caller()))
            .setHost(options.host(session.caller()))
            .setNetwork(options.network());
    if (options.rootfs) {
      useFolder(request);
      return call.apply(request.build());
    }
    request.setFromImage(
        FromImage.newBuilder().setRef(options.image).setPlatform(options.platform));
    switch (options.pull) {
      case "always" -> pull();
      case "missing", "never", "" -> {
        // The first attempt tells whether the image is here.
      }
      default ->
          throw new BerthException.InvalidArgument(
              "--pull `" + options.pull + "`: write missing, always or never");
    }
    try {
      return call.apply(request.build());
    } catch (BerthException.NotFound e) {
      if (options.pull.equals("never") || !isImageMissing(e)) {
        throw e;
      }
      if (!options.quiet) {
        session.err().println("Unable to find image '" + options.image + "' locally; pulling it");
      }
      pull();
      return call.apply(request.build());
    }
  }

  private void pull() {
    TransferCommands.pull(session, options.image, options.platform, options.quiet);
  }

  private static boolean isImageMissing(BerthException e) {
    return e.detail() instanceof Obstacle obstacle
        && obstacle.reason() == Obstacle.Reason.IMAGE_NOT_FOUND;
  }

  private void useFolder(CreateRequest.Builder request) {
    Path folder = session.caller().absolute(options.image).normalize();
    if (!Files.isDirectory(folder)) {
      throw new BerthException.InvalidArgument("--rootfs `" + folder + "`: is no folder");
    }
    User user =
        session
            .call(
                RootfsGrpc.getLookUpUserMethod(),
                LookUpUserRequest.newBuilder()
                    .setRootfs(folder.toString())
                    .setUser(options.process.user)
                    .addAllGroups(options.groups)
                    .build())
            .getUser();
    request.setRootfs(folder.toString()).setUser(user);
  }

  /** Tells the person what there is to know of a container that was made. */
  void tell(String id, List<String> warnings) {
    session.warn(warnings);
    if (idFile != null) {
      write(idFile, id);
    }
  }

  private static void write(Path file, String id) {
    try {
      Files.writeString(
          file,
          id,
          StandardCharsets.UTF_8,
          StandardOpenOption.CREATE_NEW,
          StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new BerthException.InvalidArgument(
          "write --cidfile `" + file + "`: " + e.getMessage(), e);
    }
  }

  /** Takes the file of {@code --cidfile} away again, because the container has not come to run. */
  void forget() {
    if (idFile == null) {
      return;
    }
    try {
      Files.deleteIfExists(idFile);
    } catch (IOException e) {
      throw new BerthException.Internal("remove --cidfile `" + idFile + "`: " + e.getMessage(), e);
    }
  }
}

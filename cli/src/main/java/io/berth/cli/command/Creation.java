package io.berth.cli.command;

import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PrepareResponse;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.base.error.BerthException;
import io.berth.cli.render.ImageDocument;
import io.berth.cli.session.Session;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Makes a container of an image's name: pulls the image if need be, prepares a root file system and
 * records the container. What was made is taken back when a later step fails. For one use.
 */
final class Creation {
  private final Session session;
  private final ContainerOptions options;

  Creation(Session session, ContainerOptions options) {
    this.session = session;
    this.options = options;
  }

  CreateResponse run() {
    Path idFile = options.idFile == null ? null : session.caller().path(options.idFile);
    if (idFile != null && Files.exists(idFile)) {
      throw new BerthException.InvalidArgument(
          "--cidfile `" + idFile + "`: is there already; remove it or give another");
    }
    HostConfig host = options.host(session.caller());
    CreateRequest.Builder request =
        CreateRequest.newBuilder()
            .setId(newId())
            .setName(options.name)
            .setConfig(options.config(session.caller()))
            .setHost(host)
            .setNetwork(options.network());
    if (options.rootfs) {
      useFolder(request);
    } else {
      useImage(request, host.getAutoRemove());
    }
    CreateResponse created;
    try {
      created = session.call(ContainersGrpc.getCreateMethod(), request.build());
    } catch (BerthException e) {
      dropRootfs(request, e);
      throw e;
    }
    session.warn(created.getWarningsList());
    if (idFile != null) {
      write(idFile, created.getId());
    }
    return created;
  }

  private void useFolder(CreateRequest.Builder request) {
    Path folder = session.caller().path(options.image).toAbsolutePath().normalize();
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

  private void useImage(CreateRequest.Builder request, boolean ephemeral) {
    PrepareResponse prepared = prepare(request.getId(), ephemeral);
    session.warn(prepared.getWarningsList());
    Image image = prepared.getImage();
    request
        .setImage(image.getNamesCount() > 0 ? canonical(image) : options.image)
        .setImageConfig(image.getConfig().toBuilder().setId(image.getId()))
        .setSnapshotter(prepared.getSnapshotter())
        .setSnapshotKey(request.getId())
        .setUser(prepared.getUser());
  }

  /** The image's stored name that is meant by what was typed; its first name if an id was typed. */
  private String canonical(Image image) {
    boolean tagged = options.image.lastIndexOf(':') > options.image.lastIndexOf('/');
    String typed =
        ImageDocument.familiar(options.image)
            + (tagged || options.image.contains("@") ? "" : ":latest");
    return image.getNamesList().stream()
        .filter(name -> name.equals(options.image) || ImageDocument.familiar(name).equals(typed))
        .findFirst()
        .orElse(image.getNames(0));
  }

  private PrepareResponse prepare(String id, boolean ephemeral) {
    switch (options.pull) {
      case "always" -> TransferCommands.pull(session, options.image, options.platform);
      case "missing", "never", "" -> {
        // The first attempt tells whether the image is here.
      }
      default ->
          throw new BerthException.InvalidArgument(
              "--pull `" + options.pull + "`: write missing, always or never");
    }
    PrepareRequest request =
        PrepareRequest.newBuilder()
            .setRef(options.image)
            .setKey(id)
            .setUser(options.process.user)
            .addAllGroups(options.groups)
            .setEphemeral(ephemeral)
            .setPlatform(options.platform)
            .build();
    try {
      return prepareOnce(request);
    } catch (BerthException.NotFound e) {
      if (options.pull.equals("never")) {
        throw e;
      }
      session.err().println("Unable to find image '" + options.image + "' locally; pulling it");
      TransferCommands.pull(session, options.image, options.platform);
      return prepareOnce(request);
    }
  }

  private PrepareResponse prepareOnce(PrepareRequest request) {
    return session.call(RootfsGrpc.getPrepareMethod(), request);
  }

  private void dropRootfs(CreateRequest.Builder request, BerthException cause) {
    if (request.getSnapshotKey().isEmpty()) {
      return;
    }
    try {
      session.call(
          RootfsGrpc.getRemoveMethod(),
          RemoveRootfsRequest.newBuilder()
              .setSnapshotter(request.getSnapshotter())
              .setKey(request.getSnapshotKey())
              .build());
    } catch (BerthException e) {
      cause.addSuppressed(e);
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

  /** Takes the file of {@code --cidfile} away again, because the run has failed. */
  static void removeIdFile(Session session, @Nullable Path typed) {
    if (typed == null) {
      return;
    }
    Path file = session.caller().path(typed);
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new BerthException.Internal("remove --cidfile `" + file + "`: " + e.getMessage(), e);
    }
  }

  /**
   * A new id of 64 hexadecimal digits. The first twelve serve as host name, so they are never all
   * decimal: RFC 1123, section 2.1, keeps a host name from looking like an address.
   */
  static String newId() {
    SecureRandom random = new SecureRandom();
    byte[] bytes = new byte[32];
    String id;
    do {
      random.nextBytes(bytes);
      id = HexFormat.of().formatHex(bytes);
    } while (id.substring(0, 12).chars().allMatch(c -> c >= '0' && c <= '9'));
    return id;
  }
}

package io.berth.image.registry;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.json.Json;
import io.berth.image.codec.Hasher;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.MediaTypes;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One repository of one registry. Thread-safe; calls block on the network, with time limits. */
final class Registry {
  static final long MAX_MANIFEST = 4L << 20;
  private static final String ACCEPT =
      String.join(
          ", ",
          MediaTypes.OCI_INDEX,
          MediaTypes.DOCKER_INDEX,
          MediaTypes.OCI_MANIFEST,
          MediaTypes.DOCKER_MANIFEST,
          "*/*;q=0.1");

  /** So many addresses of a layer that others hand out are asked: whoever made it chose them. */
  private static final int MOST_URLS = 8;

  private static final Pattern CONTENT_RANGE = Pattern.compile("\\s*bytes\\s+([0-9]{1,18})-");

  private static final Logger LOG = System.getLogger(Registry.class.getName());

  private final ImageReference reference;
  private final List<RegistryServer> places;

  private Registry(ImageReference reference, List<RegistryServer> places) {
    this.reference = reference;
    this.places = places;
  }

  /**
   * The repository that an image's name is in. Where nobody says whether the registry speaks TLS,
   * this asks it and blocks for it.
   */
  static Registry of(HttpClients clients, ImageReference reference, RegistryHosts.Route route) {
    return new Registry(
        reference,
        route.hosts().stream()
            .map(host -> new RegistryServer(clients, host, route.domain(), reference.path()))
            .toList());
  }

  /** Checks credentials. UNAUTHENTICATED if the registry does not take them. */
  static void checkLogin(HttpClients clients, RegistryHosts.Route route) throws IOException {
    String what = "log in to `" + route.domain() + "`";
    RegistryServer own =
        new RegistryServer(clients, route.hosts().getLast(), route.domain(), /* path= */ "");
    if (!own.about.isEmpty()) {
      throw new BerthException.FailedPrecondition(
          what
              + ": its settings name `"
              + own.base.authority()
              + "` in its place, to which no login for it is told; log in there, or write"
              + " `username` and `password` to the settings");
    }
    HttpResponse<InputStream> response =
        own.http.send(what, own.at(""), HttpRequest.Builder::GET, /* actions= */ "");
    try (InputStream body = response.body()) {
      if (response.statusCode() != 200) {
        throw own.http.refusal(what, response, body);
      }
    }
  }

  /** A question that can be asked of any of the places. */
  private interface Question<T> {
    T ask(RegistryServer place) throws IOException;
  }

  /**
   * Asks the places that can be asked for this, in their order, until one has it. One that fails is
   * left out from then on; but the last one's answer is the answer.
   */
  private <T> T ask(Host.Ability ability, Question<T> question) throws IOException {
    List<RegistryServer> able = places.stream().filter(place -> place.can(ability)).toList();
    if (able.isEmpty()) {
      throw unable(ability);
    }
    for (RegistryServer place : able.subList(0, able.size() - 1)) {
      if (place.failed) {
        continue;
      }
      try {
        return question.ask(place);
      } catch (BerthException.NotFound e) {
        LOG.log(Level.DEBUG, "mirror {0}: {1}", place.base, e.getMessage());
      } catch (BerthException.Cancelled e) {
        throw e;
      } catch (IOException | BerthException e) {
        place.failed = true;
        LOG.log(
            Level.WARNING,
            "mirror {0} is left out: {1}; the next one is asked",
            place.base,
            e.getMessage());
      }
    }
    return question.ask(able.getLast());
  }

  private BerthException unable(Host.Ability ability) {
    return new BerthException.FailedPrecondition(
        "`"
            + reference.familiarRepository()
            + "`: the settings of `"
            + reference.domain()
            + "` name no server that can be asked to "
            + ability.name().toLowerCase(Locale.ROOT)
            + "; see `capabilities`");
  }

  /** The place that images are pushed to. */
  private RegistryServer target() {
    return places.stream()
        .filter(place -> place.can(Host.Ability.PUSH))
        .findFirst()
        .orElseThrow(() -> unable(Host.Ability.PUSH));
  }

  /**
   * A manifest or index as the registry sent it.
   *
   * @param descriptor media type, digest and size of these bytes
   */
  // The record is only stored, and nobody compares two of them.
  @SuppressWarnings("ArrayRecordComponent")
  record Document(Descriptor descriptor, byte[] bytes) {}

  /**
   * Fetches a manifest by tag or digest. One whose digest is not the one that was asked for or told
   * is refused.
   */
  Document manifest(String version) throws IOException {
    return ask(
        version.contains(":") ? Host.Ability.PULL : Host.Ability.RESOLVE,
        place -> manifest(place, version));
  }

  private Document manifest(RegistryServer place, String version) throws IOException {
    HttpExchange http = place.http;
    String what = "fetch manifest of `" + reference.familiarRepository() + ":" + version + "`";
    HttpResponse<InputStream> response =
        http.send(
            what,
            place.at("manifests/" + version),
            request -> request.header("Accept", ACCEPT).GET(),
            "pull");
    byte[] bytes;
    try (InputStream body = response.body()) {
      if (response.statusCode() != 200) {
        throw http.refusal(what, response, body);
      }
      bytes = http.read(body, (int) MAX_MANIFEST + 1);
    }
    if (bytes.length > MAX_MANIFEST) {
      throw new BerthException.InvalidArgument(
          what + ": it has more than " + MAX_MANIFEST + " bytes");
    }
    Digest digest =
        digestOf(
            what,
            version,
            response.headers().firstValue("Docker-Content-Digest").orElse(""),
            bytes);
    String type = type(response.headers().firstValue("Content-Type").orElse(""), bytes);
    if (MediaTypes.isOutdated(type)) {
      throw new BerthException.NotImplemented(
          what + ": it is of docker's schema 1; push the image again with a current client");
    }
    return new Document(Descriptor.of(type, digest, bytes.length), bytes);
  }

  private static Digest digestOf(String what, String version, String told, byte[] bytes) {
    Digest wanted =
        version.contains(":") ? Digest.of(version) : told.isEmpty() ? null : Digest.of(told);
    try (Hasher hasher =
        Hasher.of(wanted == null ? "sha256" : wanted.algorithm(), /* watched= */ false)) {
      hasher.update(MemorySegment.ofArray(bytes));
      Digest digest = hasher.soFar();
      if (wanted != null && !wanted.equals(digest)) {
        throw new BerthException.DataLoss(
            what
                + ": it has the digest "
                + digest
                + " instead of "
                + wanted
                + "; the registry or somebody on the way changed it");
      }
      return digest;
    }
  }

  /**
   * The bytes of a blob from an offset on.
   *
   * @param offset where they begin: what was asked for, or before it if the registry cannot
   * @param length how many are announced; -1 if that is not told
   */
  record Blob(InputStream body, long offset, long length) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      body.close();
    }
  }

  /**
   * Opens a blob. NOT_FOUND when neither the registry has one of that digest nor another address
   * that its descriptor names.
   */
  Blob blob(Descriptor blob, long offset) throws IOException {
    Digest digest = blob.checked();
    RegistryServer own = places.getLast();
    if (offset > 0 && places.size() > 1 && own.can(Host.Ability.PULL)) {
      // A blob that broke off is continued from the registry itself, for the mirror may be what
      // breaks.
      try {
        return blob(own, digest, offset);
      } catch (BerthException.NotFound | BerthException.Unavailable | IOException e) {
        LOG.log(Level.DEBUG, "registry {0}: {1}", own.base, e.getMessage());
      }
    }
    try {
      return ask(Host.Ability.PULL, place -> blob(place, digest, offset));
    } catch (BerthException.NotFound e) {
      return elsewhere(blob, offset, e);
    }
  }

  /** Asks the addresses by which others hand a blob out that no registry may keep. */
  private Blob elsewhere(Descriptor blob, long offset, BerthException.NotFound missing)
      throws IOException {
    RegistryServer own = places.getLast();
    String what = "fetch layer " + blob.digest() + " of `" + reference.familiarRepository() + "`";
    IOException broken = null;
    List<String> urls = MediaTypes.isForeign(blob.mediaType()) ? blob.urls() : List.of();
    for (String url : urls.subList(0, Math.min(urls.size(), MOST_URLS))) {
      try {
        return blob(what, own.http, own.base.led(what, url), offset);
      } catch (BerthException.NotFound
          | BerthException.PermissionDenied
          | BerthException.Unauthenticated
          | BerthException.FailedPrecondition e) {
        LOG.log(Level.DEBUG, "layer {0}: {1}", blob.digest(), e.getMessage());
      } catch (IOException e) {
        broken = e;
      }
    }
    if (broken != null) {
      throw broken;
    }
    throw missing;
  }

  private Blob blob(RegistryServer place, Digest digest, long offset) throws IOException {
    String what = "fetch layer " + digest + " of `" + reference.familiarRepository() + "`";
    return blob(what, place.http, place.at("blobs/" + digest), offset);
  }

  private static Blob blob(String what, HttpExchange http, Address at, long offset)
      throws IOException {
    HttpExchange.Ask ask =
        offset > 0
            ? request -> request.header("Range", "bytes=" + offset + "-").GET()
            : HttpRequest.Builder::GET;
    HttpResponse<InputStream> response = http.send(what, at, ask, "pull");
    switch (response.statusCode()) {
      case 200 -> {
        return new Blob(
            response.body(), 0, response.headers().firstValueAsLong("Content-Length").orElse(-1));
      }
      case 206 -> {
        return new Blob(
            response.body(),
            begins(what, response, offset),
            response.headers().firstValueAsLong("Content-Length").orElse(-1));
      }
      case 416 -> {
        // Some know no ranges, and some answer so behind a cache that has only a part: the whole is
        // asked for, and what is here already is skipped.
        response.body().close();
        if (offset == 0) {
          throw http.refusal(what, response, InputStream.nullInputStream());
        }
        return whole(what, blob(what, http, at, 0), offset);
      }
      default -> {
        try (InputStream body = response.body()) {
          throw http.refusal(what, response, body);
        }
      }
    }
  }

  /** Refuses a copy that has nothing behind what is here already: no attempt would get on. */
  private static Blob whole(String what, Blob blob, long offset) throws IOException {
    if (blob.length < 0 || blob.length > offset) {
      return blob;
    }
    blob.close();
    String end = "the registry's copy ends after " + blob.length + " bytes, before the layer does";
    throw new BerthException.DataLoss(what + ": " + end + "; push it there again");
  }

  /** Where the bytes of a partial answer begin, which is not always where they were asked for. */
  private static long begins(String what, HttpResponse<?> response, long asked) throws IOException {
    Matcher range =
        CONTENT_RANGE.matcher(response.headers().firstValue("Content-Range").orElse(""));
    long begin = range.lookingAt() ? Long.parseLong(range.group(1)) : asked;
    if (begin > asked) {
      throw new IOException(
          what + ": asked for bytes from " + asked + " on, the registry sends those from " + begin);
    }
    return begin;
  }

  /** Whether the registry has a blob. */
  boolean hasBlob(Digest digest) throws IOException {
    RegistryServer to = target();
    String what = "look for layer " + digest + " in `" + reference.familiarRepository() + "`";
    HttpResponse<InputStream> response =
        to.http.send(what, to.at("blobs/" + digest), HttpRequest.Builder::HEAD, "pull,push");
    try (InputStream body = response.body()) {
      return switch (response.statusCode()) {
        case 200 -> true;
        case 404 -> false;
        default -> throw to.http.refusal(what, response, body);
      };
    }
  }

  /**
   * The repositories of this registry that had a blob when it was pulled, without this one.
   *
   * @param labels of the blob, in which containerd and we note them
   */
  List<String> othersWith(Map<String, String> labels) {
    return Arrays.stream(
            labels.getOrDefault(RegistryTransfer.SOURCE + reference.domain(), "").split(","))
        .filter(path -> !path.isBlank() && !path.equals(reference.path()))
        .limit(1)
        .toList();
  }

  /**
   * An upload of a blob to this repository, unless the registry takes it over from another one.
   *
   * @param elsewhere repositories of the same registry that may have it
   */
  BlobUpload upload(Digest digest, Path file, Set<String> elsewhere) {
    RegistryServer to = target();
    String what = "push layer " + digest + " to `" + reference.familiarRepository() + "`";
    String mount =
        elsewhere.stream().map(path -> "?mount=" + digest + "&from=" + path).findFirst().orElse("");
    Address start = to.at("blobs/uploads/" + mount);
    return new BlobUpload(what, to.http, start, !mount.isEmpty(), digest, file);
  }

  /**
   * The media type of a manifest or index: what the answer says, or the document itself where the
   * answer says nothing of use.
   */
  private static String type(String told, byte[] document) {
    String type = told.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (MediaTypes.isIndex(type) || MediaTypes.isManifest(type) || MediaTypes.isOutdated(type)) {
      return type;
    }
    try {
      JsonNode tree = Json.tree(document, "manifest");
      String own = tree.path("mediaType").asText("");
      if (!own.isEmpty()) {
        return own;
      }
      if (tree.path("manifests").isArray()) {
        return MediaTypes.OCI_INDEX;
      }
      return tree.path("config").isObject() && tree.path("layers").isArray()
          ? MediaTypes.OCI_MANIFEST
          : type;
    } catch (BerthException e) {
      return type;
    }
  }

  /** Puts a manifest under a tag or digest. */
  void pushManifest(String version, String mediaType, byte[] bytes) throws IOException {
    RegistryServer to = target();
    HttpExchange http = to.http;
    String what = "push manifest to `" + reference.familiarRepository() + ":" + version + "`";
    HttpResponse<InputStream> done =
        http.send(
            what,
            to.at("manifests/" + version),
            request ->
                request
                    .header("Content-Type", mediaType)
                    .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes)),
            "pull,push");
    try (InputStream body = done.body()) {
      if (done.statusCode() != 201 && done.statusCode() != 200) {
        throw http.refusal(what, done, body);
      }
    }
  }

  /** The tags of the repository, of all the pages on which the registry lists them. */
  List<String> tags() throws IOException {
    String what = "list tags of `" + reference.familiarRepository() + "`";
    RegistryServer own = places.getLast();
    if (places.size() > 1 && own.can(Host.Ability.RESOLVE)) {
      // A mirror lists what it has, which may be less than all.
      try {
        return TagList.read(what, own);
      } catch (BerthException.Unavailable | IOException e) {
        LOG.log(
            Level.WARNING, "registry {0}: {1}; its mirrors are asked", own.base, e.getMessage());
      }
    }
    return ask(Host.Ability.RESOLVE, place -> TagList.read(what, place));
  }
}

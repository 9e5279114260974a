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
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

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

  private static final Pattern CONTENT_RANGE = Pattern.compile("\\s*bytes\\s+([0-9]{1,18})-");

  private static final Pattern NEXT =
      Pattern.compile("<([^>]*)>[^,]*;\\s*rel\\s*=\\s*(?:next\\b|\"next\")");
  private static final int MAX_TAGS = 100_000;

  private static final Logger LOG = System.getLogger(Registry.class.getName());

  private final ImageReference reference;
  private final HttpExchange http;
  private final Address base;
  private final List<Place> mirrors;

  /** A place that can be asked for the repository's content. */
  private static final class Place {
    final HttpExchange http;
    final Address base;

    /** Whether it has failed; then this transfer does not ask it again. */
    volatile boolean failed;

    Place(HttpClients clients, String place, Access access, String path) {
      this.base = Address.of(place + "/v2/" + path + "/");
      this.http = new HttpExchange(clients.of(access), access, base.origin(), path);
    }
  }

  private Registry(ImageReference reference, Place own, List<Place> mirrors) {
    this.reference = reference;
    this.http = own.http;
    this.base = own.base;
    this.mirrors = mirrors;
  }

  /** The repository that an image's name is in. */
  static Registry of(HttpClients clients, ImageReference reference, RegistryHosts.Route route) {
    return new Registry(
        reference,
        new Place(clients, origin(route), route.access(), reference.path()),
        route.mirrors().stream()
            .map(mirror ->
                new Place(clients, mirror.base().toString(), mirror.access(), reference.path()))
            .toList());
  }

  private static String origin(RegistryHosts.Route route) {
    // Docker's own registry answers at another host than its images' names say.
    String host =
        route.domain().equals(ImageReference.DEFAULT_DOMAIN)
            ? "registry-1.docker.io"
            : route.domain();
    return (route.access().plainHttp() ? "http://" : "https://") + host;
  }

  /** Checks credentials. UNAUTHENTICATED if the registry does not take them. */
  static void checkLogin(HttpClients clients, RegistryHosts.Route route) throws IOException {
    String what = "log in to `" + route.domain() + "`";
    Address address = Address.of(origin(route) + "/v2/");
    HttpExchange http =
        new HttpExchange(
            clients.of(route.access()), route.access(), address.origin(), /* repository= */ "");
    HttpResponse<InputStream> response =
        http.send(what, address, HttpRequest.Builder::GET, /* actions= */ "");
    try (InputStream body = response.body()) {
      if (response.statusCode() != 200) {
        throw http.refusal(what, response, body);
      }
    }
  }

  /** A question that can be asked of any of the places. */
  private interface Question<T> {
    T ask(HttpExchange http, Address base) throws IOException;
  }

  /** Asks the mirrors in their order, and the registry itself when none of them has the content. */
  private <T> T ask(Question<T> question) throws IOException {
    for (Place mirror : mirrors) {
      if (mirror.failed) {
        continue;
      }
      try {
        return question.ask(mirror.http, mirror.base);
      } catch (BerthException.NotFound e) {
        LOG.log(Level.DEBUG, "mirror {0}: {1}", mirror.base, e.getMessage());
      } catch (BerthException.Cancelled e) {
        throw e;
      } catch (IOException | BerthException e) {
        mirror.failed = true;
        LOG.log(
            Level.WARNING,
            "mirror {0} is left out: {1}; the next one is asked",
            mirror.base,
            e.getMessage());
      }
    }
    return question.ask(http, base);
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
    return ask((asked, at) -> manifest(asked, at, version));
  }

  private Document manifest(HttpExchange http, Address base, String version) throws IOException {
    String what = "fetch manifest of `" + reference.familiarRepository() + ":" + version + "`";
    HttpResponse<InputStream> response =
        http.send(
            what,
            base.at("manifests/" + version),
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

  /** Opens a blob. NOT_FOUND when the registry has none of that digest. */
  Blob blob(Digest digest, long offset) throws IOException {
    // A blob that broke off is continued from the registry itself, for the mirror may be what
    // breaks.
    return offset > 0
        ? blob(http, base, digest, offset)
        : ask((asked, at) -> blob(asked, at, digest, offset));
  }

  private Blob blob(HttpExchange http, Address base, Digest digest, long offset)
      throws IOException {
    String what = "fetch layer " + digest + " of `" + reference.familiarRepository() + "`";
    HttpExchange.Ask ask =
        offset > 0
            ? request -> request.header("Range", "bytes=" + offset + "-").GET()
            : HttpRequest.Builder::GET;
    HttpResponse<InputStream> response = http.send(what, base.at("blobs/" + digest), ask, "pull");
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
        return whole(what, blob(http, base, digest, 0), offset);
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
    String what = "look for layer " + digest + " in `" + reference.familiarRepository() + "`";
    HttpResponse<InputStream> response =
        http.send(what, base.at("blobs/" + digest), HttpRequest.Builder::HEAD, "pull,push");
    try (InputStream body = response.body()) {
      return switch (response.statusCode()) {
        case 200 -> true;
        case 404 -> false;
        default -> throw http.refusal(what, response, body);
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
   * Uploads a blob in one piece, unless the registry takes it over from another of its
   * repositories; answers whether it was sent.
   *
   * @param elsewhere repositories that may have it
   */
  boolean pushBlob(Digest digest, HttpRequest.BodyPublisher content, Set<String> elsewhere)
      throws IOException {
    String what = "push layer " + digest + " to `" + reference.familiarRepository() + "`";
    HttpResponse<InputStream> begun =
        http.send(
            what,
            base.at("blobs/uploads/" + mount(digest, elsewhere)),
            request -> request.POST(HttpRequest.BodyPublishers.noBody()),
            "pull,push");
    Address upload;
    try (InputStream body = begun.body()) {
      if (begun.statusCode() == 201 && !elsewhere.isEmpty()) {
        return false;
      }
      if (begun.statusCode() != 202) {
        throw http.refusal(what, begun, body);
      }
      upload =
          Address.answering(begun).led(what, begun.headers().firstValue("Location").orElse(""));
    }
    HttpResponse<InputStream> done =
        http.send(
            what,
            upload.with("digest=" + digest),
            request -> request.header("Content-Type", "application/octet-stream").PUT(content),
            "pull,push");
    try (InputStream body = done.body()) {
      if (done.statusCode() != 201 && done.statusCode() != 200 && done.statusCode() != 204) {
        throw http.refusal(what, done, body);
      }
    }
    return true;
  }

  private static String mount(Digest digest, Set<String> elsewhere) {
    return elsewhere.stream()
        .map(path -> "?mount=" + digest + "&from=" + path)
        .findFirst()
        .orElse("");
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
    String what = "push manifest to `" + reference.familiarRepository() + ":" + version + "`";
    HttpResponse<InputStream> done =
        http.send(
            what,
            base.at("manifests/" + version),
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
    Set<String> tags = new LinkedHashSet<>();
    Address page = base.at("tags/list?n=1000");
    while (true) {
      HttpResponse<InputStream> response = http.send(what, page, HttpRequest.Builder::GET, "pull");
      int known = tags.size();
      try (InputStream body = response.body()) {
        if (response.statusCode() != 200) {
          throw http.refusal(what, response, body);
        }
        @Nullable Tags more =
            Json.read(http.read(body, (int) MAX_MANIFEST), Tags.class, "list of tags");
        tags.addAll(more.tags() == null ? List.of() : more.tags());
      }
      String next = next(response.headers().allValues("Link"));
      if (next.isEmpty()) {
        return List.copyOf(tags);
      }
      // A page without anything new would have us ask for ever.
      if (tags.size() == known || tags.size() > MAX_TAGS) {
        throw new BerthException.InvalidArgument(
            what + ": the registry's list has no end after " + tags.size() + " tags");
      }
      page = Address.answering(response).led(what, next);
    }
  }

  /** The address of the next page (RFC 8288); empty behind the last one. */
  private static String next(List<String> links) {
    for (String link : links) {
      Matcher next = NEXT.matcher(link);
      if (next.find()) {
        return next.group(1);
      }
    }
    return "";
  }

  private record Tags(@Nullable List<String> tags) {}
}

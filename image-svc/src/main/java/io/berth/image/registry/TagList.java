package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The tags of a repository, of all the pages on which a registry lists them. */
final class TagList {
  private static final Pattern NEXT =
      Pattern.compile("<([^>]*)>[^,]*;\\s*rel\\s*=\\s*(?:next\\b|\"next\")");
  private static final int MAX_TAGS = 100_000;

  private TagList() {}

  /**
   * Reads all pages.
   *
   * @param what the words for an error
   */
  static List<String> read(String what, RegistryServer place) throws IOException {
    HttpExchange http = place.http;
    Set<String> tags = new LinkedHashSet<>();
    Address page = place.at("tags/list?n=1000");
    while (true) {
      HttpResponse<InputStream> response = http.send(what, page, HttpRequest.Builder::GET, "pull");
      int known = tags.size();
      try (InputStream body = response.body()) {
        if (response.statusCode() != 200) {
          throw http.refusal(what, response, body);
        }
        @Nullable Tags more =
            Json.read(http.read(body, (int) Registry.MAX_MANIFEST), Tags.class, "list of tags");
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

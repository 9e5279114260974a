package io.berth.cli.command;

import com.google.protobuf.Timestamp;
import io.berth.base.error.BerthException;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Words;
import io.berth.cli.session.Session;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/**
 * A verb that lists objects, in one of three forms: a table for people, a document or a line of a
 * template each for programs, or only what names each object.
 *
 * @param <T> an object as its service tells it
 */
public abstract class ListingCommand<T> extends SessionCommand {
  @Option(
      names = {"-q", "--quiet"},
      description = "Only the id or name of each")
  boolean quiet;

  @Option(
      names = {"--no-trunc", "-notrunc"},
      description = "Whole ids, nothing cut")
  boolean whole;

  @Option(
      names = {"-f", "--filter"},
      paramLabel = "KEY=VALUE",
      description = "Only those")
  List<String> filters = new ArrayList<>();

  @Option(names = "--format", paramLabel = "json|TEMPLATE", description = "For programs")
  String format = "";

  private ZoneId zone = ZoneOffset.UTC;

  /** Asks the service for the objects that fit the filters. */
  protected abstract List<T> list(Session session);

  /** What names an object for other verbs. */
  protected abstract String key(T one);

  /** An empty listing with the columns of this verb. */
  protected abstract Listing listing();

  /** Adds the lines of an object, of which there may be several, or none. */
  protected abstract void add(Listing listing, T one, Instant now);

  @Override
  public final int run(Session session) {
    zone = session.caller().zone();
    List<T> all = list(session);
    if (quiet) {
      all.stream().map(this::key).distinct().forEach(session.out()::println);
      return 0;
    }
    Instant now = Instant.now();
    Listing listing = listing();
    all.forEach(one -> add(listing, one, now));
    listing.print(session.out(), format);
    return 0;
  }

  /** The filters as they were typed. */
  protected List<String> filters() {
    return filters;
  }

  /** Refuses filters, for objects that their service does not filter. */
  protected final void refuseFilters(String objects) {
    if (!filters().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "--filter `" + filters().getFirst() + "`: there are no filters for " + objects);
    }
  }

  /** An id, short unless whole ones are wanted. */
  protected final String id(String id) {
    return whole ? id : Words.shortId(id);
  }

  /** A moment in the zone of whoever asks. */
  protected final String moment(Timestamp at) {
    return Words.moment(at, zone);
  }

  /** A text as wide as a column at most, unless nothing is to be cut. */
  protected final String cut(String text, int width) {
    return whole ? text : Words.cut(text, width);
  }
}

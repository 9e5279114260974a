package io.berth.cli.command;

import io.berth.api.berth.container.v1.ListTimingsRequest;
import io.berth.api.berth.container.v1.Span;
import io.berth.api.berth.container.v1.Timing;
import io.berth.api.berth.container.v1.TimingsGrpc;
import io.berth.cli.render.Listing;
import io.berth.cli.render.Table;
import io.berth.cli.session.Session;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Where the time of one {@code run} went, for the person who asked for it: the steps of this line,
 * below them those of the service, and what processes did meanwhile.
 */
final class RunTiming {
  private static final double NANOS_PER_MILLI = 1e6;

  private final boolean wanted;
  private final long begin = System.nanoTime();
  private final ProcessTimes before;
  private final List<Span> steps = new ArrayList<>();
  private long last = begin;

  /** Begins now. What is not wanted costs nothing. */
  RunTiming(boolean wanted) {
    this.wanted = wanted;
    this.before = wanted ? ProcessTimes.now() : ProcessTimes.NONE;
  }

  /** What was done since the last step, or the beginning. */
  void step(String name) {
    long now = System.nanoTime();
    if (wanted) {
      steps.add(Span.newBuilder().setName(name).setBeginNanos(last).setNanos(now - last).build());
    }
    last = now;
  }

  /** Asks the service for its part, and tells all on standard error. */
  void tell(Session session, String id) {
    if (!wanted) {
      return;
    }
    ProcessTimes after = ProcessTimes.now();
    double whole = (last - begin) / NANOS_PER_MILLI;
    List<Span> all = new ArrayList<>(steps);
    for (Timing timing :
        session
            .call(TimingsGrpc.getListMethod(), ListTimingsRequest.newBuilder().addIds(id).build())
            .getTimingsList()) {
      timing
          .getSpansList()
          .forEach(span -> all.add(span.toBuilder().setDepth(span.getDepth() + 1).build()));
    }
    all.sort(Comparator.comparingLong(Span::getBeginNanos).thenComparingInt(Span::getDepth));
    Table table = new Table(List.of("BEGIN", "TOOK", "STEP"));
    all.forEach(span ->
        table.row(
            millis(span.getBeginNanos() - begin),
            millis(span.getNanos()),
            "  ".repeat(span.getDepth()) + span.getName()));
    table.print(session.err());
    session.err().printf(Locale.ROOT, "%.3f ms in all%s%n", whole, after.since(before));
  }

  /** A listing of what services have kept of containers' starts and ends. */
  static Listing listing() {
    return new Listing(
        "formatter.TimingContext",
        "{{.ID}}\t{{.Names}}\t{{.Begin}}\t{{.Took}}\t{{.Step}}",
        Listing.titles(
            "ID", "CONTAINER ID",
            "Names", "NAMES",
            "Begin", "BEGIN",
            "Took", "TOOK",
            "Step", "STEP"));
  }

  /** Adds a line for each step, counted from the first; none if nothing is kept. */
  static void add(Listing listing, String id, String name, Timing timing) {
    for (Span span : timing.getSpansList()) {
      long begin = span.getBeginNanos() - timing.getSpans(0).getBeginNanos();
      listing
          .row()
          .cell("ID", () -> id)
          .cell("Names", () -> name)
          .cell("Begin", () -> millis(begin))
          .cell("Took", () -> millis(span.getNanos()))
          .cell("Step", () -> "  ".repeat(span.getDepth()) + span.getName());
    }
  }

  /** Milliseconds with three digits behind the point, which are microseconds. */
  static String millis(long nanos) {
    return String.format(Locale.ROOT, "%9.3f ms", nanos / NANOS_PER_MILLI);
  }
}

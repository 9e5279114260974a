package io.berth.cli.containerd;

import io.berth.cli.command.ListingCommand;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Parameters;

/**
 * A list of objects that containerd's own filters can narrow. They are typed as arguments, as to
 * containerd's own client, or as values of {@code --filter}; an object is listed that fits one.
 *
 * @param <T> an object as its service tells it
 */
abstract class FilteredListing<T> extends ListingCommand<T> {
  @Parameters(arity = "0..*", paramLabel = "FILTER", description = "e.g. labels.key==value")
  List<String> arguments = new ArrayList<>();

  @Override
  protected List<String> filters() {
    List<String> all = new ArrayList<>(super.filters());
    all.addAll(arguments);
    return all;
  }
}

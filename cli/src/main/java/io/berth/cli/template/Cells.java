package io.berth.cli.template;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * An object of a listing: it answers to names without an argument, and to {@code Label} with one. A
 * cell is made when a template asks for it.
 */
public final class Cells {
  private final String type;
  private final TreeMap<String, Supplier<String>> cells = new TreeMap<>();
  private UnaryOperator<String> label = key -> "";
  private boolean labelled;

  /** Without cells; the type is what errors call it. */
  public Cells(String type) {
    this.type = type;
  }

  /** Adds a cell. */
  public Cells cell(String name, Supplier<String> text) {
    cells.put(name, text);
    return this;
  }

  /** Lets {@code Label} answer from these. */
  public Cells labels(Map<String, String> labels) {
    labelled = true;
    label = key -> labels.getOrDefault(key, "");
    return this;
  }

  /**
   * The row that stands above the others in a table: a title for each name, and for a label the
   * last part of its key.
   */
  static Cells titles(Map<String, String> titles) {
    Cells row = new Cells("formatter.SubHeaderContext");
    titles.forEach((name, title) -> row.cell(name, () -> title));
    row.labelled = true;
    row.label = key -> key.substring(key.lastIndexOf('.') + 1).replace('-', ' ').replace('_', ' ');
    return row;
  }

  /**
   * The same with a question mark for each control character, which can come from outside: in a
   * table a name must not move the cursor.
   */
  Cells visible() {
    Cells row = new Cells(type);
    cells.forEach((name, text) -> row.cell(name, () -> visible(text.get())));
    row.labelled = labelled;
    row.label = key -> visible(label.apply(key));
    return row;
  }

  private static String visible(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  String type() {
    return "*" + type;
  }

  boolean isLabelled() {
    return labelled;
  }

  String label(String key) {
    return label.apply(key);
  }

  /** The cells by name, made only when one is asked for. */
  Map<String, Supplier<String>> cells() {
    return cells;
  }
}

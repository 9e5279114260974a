package io.berth.cli.template;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.error.BerthException;
import java.util.Map;

/** A template that was read, for use on any number of values. */
public final class Template {
  private final String source;
  private final Map<String, Syntax.Block> definitions;

  private Template(String source, Map<String, Syntax.Block> definitions) {
    this.source = source;
    this.definitions = definitions;
  }

  /** Reads a template; INVALID_ARGUMENT with the line of what is wrong in it. */
  public static Template parse(String source) {
    return new Template(source, Parser.parse(source));
  }

  /**
   * The text for a value. A key that a map does not have is {@code <no value>}; a field that a type
   * does not have, and whatever else cannot be done, is FAILED_PRECONDITION.
   */
  public String apply(Value value) {
    return new Evaluator(source, definitions, /* strict= */ false, /* titles= */ false).run(value);
  }

  /** The same, but a key that a map does not have is FAILED_PRECONDITION as well. */
  String applyStrictly(Value value) {
    return new Evaluator(source, definitions, /* strict= */ true, /* titles= */ false).run(value);
  }

  /**
   * The text for a document as docker makes it: by its type, and where that fails, by the document
   * as it stands, so that the names of both can be used, if not in one template.
   */
  public String apply(String type, JsonNode document) {
    if (type.equals(DocumentTypes.UNTYPED)) {
      return applyStrictly(DocumentTypes.raw(document));
    }
    try {
      return apply(DocumentTypes.typed(type, document));
    } catch (BerthException.FailedPrecondition e) {
      return applyStrictly(DocumentTypes.raw(document));
    }
  }

  /** The line of titles above a table of this template, with a title for each name of a cell. */
  public String titles(Map<String, String> titles) {
    Evaluator evaluator =
        new Evaluator(source, definitions, /* strict= */ false, /* titles= */ true);
    try {
      return evaluator.run(Value.of(Cells.titles(titles)));
    } catch (BerthException.FailedPrecondition e) {
      // What a template does to cells cannot always be done to titles; docker shows them so far.
      return evaluator.written();
    }
  }
}

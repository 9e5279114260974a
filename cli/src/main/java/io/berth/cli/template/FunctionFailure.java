package io.berth.cli.template;

/** A function that cannot do what it is asked; its caller knows where that was. */
final class FunctionFailure extends Exception {
  private static final long serialVersionUID = 1L;

  FunctionFailure(String message) {
    super(message);
  }
}

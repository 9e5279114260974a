package io.berth.cli.session;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/**
 * Signals that reach this process. The JDK's only door to them is {@code sun.misc.Signal}, which it
 * warns of wherever it is named in source: so it is reached by reflection, here only.
 */
public final class Signals {
  private Signals() {}

  /**
   * From now on, the named signal (without {@code SIG}) calls this instead of what it did. False if
   * the JVM keeps that signal for itself.
   */
  public static boolean handle(String name, Consumer<String> handler) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> listener = Class.forName("sun.misc.SignalHandler");
      Object proxy =
          Proxy.newProxyInstance(
              Signals.class.getClassLoader(),
              new Class<?>[] {listener},
              (self, method, arguments) ->
                  switch (method.getName()) {
                    case "handle" -> {
                      handler.accept(name);
                      yield null;
                    }
                    case "equals" ->
                        arguments.length == 1
                            && System.identityHashCode(self)
                                == System.identityHashCode(arguments[0]);
                    case "hashCode" -> System.identityHashCode(self);
                    default -> "handler of SIG" + name;
                  });
      var _ =
          signal
              .getMethod("handle", signal, listener)
              .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
      return true;
    } catch (InvocationTargetException e) {
      return false;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this JDK has no sun.misc.Signal", e);
    }
  }
}

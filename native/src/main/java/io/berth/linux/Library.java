package io.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** A shared library that may be there or not. Once loaded it stays. */
final class Library {
  private final String name;
  private final @Nullable SymbolLookup symbols;

  private Library(String name, @Nullable SymbolLookup symbols) {
    this.name = name;
    this.symbols = symbols;
  }

  /** The first of these names that the dynamic linker finds. */
  // The names are fixed in the sources and stand for interfaces that are declared beside them.
  @SuppressWarnings("restricted")
  static Library of(String... names) {
    for (String name : names) {
      try {
        return new Library(name, SymbolLookup.libraryLookup(name, Arena.global()));
      } catch (IllegalArgumentException absent) {
        // The next name may be the one that is installed.
      }
    }
    return new Library(names[0], null);
  }

  boolean isPresent() {
    return symbols != null;
  }

  /** Whether all of these functions are there. */
  boolean has(List<String> functions) {
    SymbolLookup s = symbols;
    return s != null && functions.stream().allMatch(f -> s.find(f).isPresent());
  }

  /**
   * A function.
   *
   * @throws NoSuchElementException if the library or the function is not there
   */
  // The descriptor is written beside each name, as in Libc.
  @SuppressWarnings("restricted")
  MethodHandle function(String function, FunctionDescriptor type, Linker.Option... options) {
    SymbolLookup s = symbols;
    if (s == null) {
      throw new NoSuchElementException(name + " is not installed");
    }
    MemorySegment symbol = s.findOrThrow(function);
    return Libc.LINKER.downcallHandle(symbol, type, options);
  }
}

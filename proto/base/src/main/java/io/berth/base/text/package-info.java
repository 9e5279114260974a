/**
 * What people type, read as values: moments, lengths of time, sizes, ports, mounts, filters, lists
 * of variables. The command line and the services read a word here, so that it means the same
 * everywhere. What cannot be read is refused with INVALID_ARGUMENT, which names the option or field
 * it was typed for, the word and a right one; nothing else is ever thrown, whatever the word.
 *
 * <p>Each type has a property test: words made from a value give the value, and junk gives a value
 * or the one refusal.
 */
@NullMarked
package io.berth.base.text;

import org.jspecify.annotations.NullMarked;

/**
 * What every module's tests share: the rules of the architecture, {@link
 * io.berth.testing.Eventually the one way to wait}, a clock that can be turned, and servers that
 * live for one test. It depends on no module of ours, so that each of them can use it.
 */
@NullMarked
package io.berth.testing;

import org.jspecify.annotations.NullMarked;

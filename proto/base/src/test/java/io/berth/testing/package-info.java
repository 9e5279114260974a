/**
 * What every module's tests share: the rules of the architecture, and servers that live for one
 * test.
 */
@NullMarked
package io.berth.testing;

import org.jspecify.annotations.NullMarked;

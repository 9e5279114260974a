/** Tests of tars: against GNU tar both ways, cut, hostile, in pieces of any size. */
@NullMarked
package io.berth.base.tar;

import org.jspecify.annotations.NullMarked;

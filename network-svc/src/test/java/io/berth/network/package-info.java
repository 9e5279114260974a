@NullMarked
package io.berth.network;

import org.jspecify.annotations.NullMarked;

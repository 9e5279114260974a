@NullMarked
package io.berth.network.api;

import org.jspecify.annotations.NullMarked;

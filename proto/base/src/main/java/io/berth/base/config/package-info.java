/**
 * One configuration file for all programs; every key is listed, documented and checked in one
 * place.
 */
@NullMarked
package io.berth.base.config;

import org.jspecify.annotations.NullMarked;
